#include "settings.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

#include "file.h"
#include "message.h"

/* Contains the path that --env named last. */
#define SOURCE_FILE "env/source"
enum { LOADED_MAX = 512 };

static const char *source = SETTINGS_FILE;
static struct {
	const char *names[LOADED_MAX];
	int count;
} loaded;

bool
settings_use(struct arena *a, const char *path)
{
	return file_update(a, SOURCE_FILE, 0600, arena_printf(a, "%s\n", path));
}

/* Finds out which file is read. */
static void
find_source(struct arena *a)
{
	char *text = file_find(a, SOURCE_FILE, /* ret_len= */ NULL);

	source = SETTINGS_FILE;
	if (text == NULL)
		return;
	text[strcspn(text, "\n")] = '\0';
	if (text[0] != '\0')
		source = text;
}

static bool
is_of(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(name, prefix, len) == 0 && name[len] == '_' &&
	       name[len + 1] != '\0';
}

static bool
is_ours(const struct spec *spec, const char *name)
{
	for (int i = 0; i < spec->nservices; i++)
		if (is_of(name, spec->services[i].variable))
			return true;
	return is_of(name, "KEDGE");
}

static const char *
name_problem(const struct spec *spec, const char *name)
{
	if (name[0] == '\0' ||
	    name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] != '\0')
		return "is no name of a variable (capitals, digits and \"_\")";
	if (!is_ours(spec, name))
		return "begins with no service's name in capitals and \"_\", "
		       "and not with KEDGE_";
	return NULL;
}

/* Removes the quotes around a value. NULL: there is only one. */
static char *
unquote(char *value)
{
	size_t len = strlen(value);
	char quote = value[0];

	if (quote != '"' && quote != '\'')
		return value;
	if (len < 2 || value[len - 1] != quote ||
	    memchr(value + 1, quote, len - 2) != NULL)
		return NULL;
	value[len - 1] = '\0';
	return value + 1;
}

/* Splits a line into name and value. NULL: the line sets no variable. */
static char *
split(char *line, char **ret_value)
{
	char *equals;

	line += strspn(line, " \t");
	if (line[0] == '\0' || line[0] == '#')
		return NULL;
	equals = strchr(line, '=');
	if (equals == NULL) {
		*ret_value = NULL;
		return line;
	}
	*equals = '\0';
	*ret_value = equals + 1;
	return line;
}

static bool
load_line(const struct spec *spec, char *line, int number)
{
	char *value;
	char *name = split(line, &value);
	const char *problem;

	if (name == NULL)
		return true;
	problem = value == NULL ? "has no \"=\": a line is NAME=value"
	                        : name_problem(spec, name);
	if (problem != NULL) {
		print_error("%s:%d: %s %s", source, number, name, problem);
		return false;
	}
	value = unquote(value);
	if (value == NULL) {
		print_error("%s:%d: the quotes around the value of %s do not "
			    "match",
		    source, number, name);
		return false;
	}
	if (getenv(name) != NULL)
		return true;
	assert(loaded.count < LOADED_MAX);
	loaded.names[loaded.count++] = name;
	return setenv(name, value, /* overwrite= */ 1) == 0;
}

bool
settings_load(struct arena *a, const struct spec *spec)
{
	char *at, *line;
	int number = 0;

	find_source(a);
	if (!file_exists(source)) {
		if (str_eq(source, SETTINGS_FILE))
			return true;
		print_error("%s: \"kedge up --env\" named this file, and it is "
			    "gone",
		    source);
		return false;
	}
	at = file_read(a, source, /* ret_len= */ NULL);
	if (at == NULL)
		return false;
	loaded.count = 0;
	while ((line = strsep(&at, "\n")) != NULL) {
		number++;
		if (number > LOADED_MAX || !load_line(spec, line, number))
			return false;
	}
	return true;
}

const char *
settings_path(void)
{
	return source;
}

bool
settings_has(const char *name)
{
	for (int i = 0; i < loaded.count; i++)
		if (str_eq(loaded.names[i], name))
			return true;
	return false;
}

bool
settings_change(struct arena *a, const struct spec *spec, const char *name,
    const char *value)
{
	const char *problem = name_problem(spec, name);
	char *at = file_find(a, source, /* ret_len= */ NULL);
	bool written = value == NULL;
	char *line, *other, *rest;
	struct buf b;

	if (problem != NULL || (value != NULL && strchr(value, '\n') != NULL)) {
		print_error("%s %s", name,
		    problem != NULL ? problem : "has a value of several lines");
		return false;
	}
	buf_init(&b, a, FILE_MAX_BYTES);
	while (at != NULL && (line = strsep(&at, "\n")) != NULL) {
		if (line[0] == '\0' && at == NULL)
			break; /* the end of the last line */
		other = split(arena_strdup(a, line), &rest);
		if (other == NULL || !str_eq(other, name)) {
			buf_printf(&b, "%s\n", line);
		} else if (!written) {
			buf_printf(&b, "%s=%s\n", name, value);
			written = true;
		}
	}
	if (!written)
		buf_printf(&b, "%s=%s\n", name, value);
	return file_write(a, source, 0600, b.data);
}

#include "settings.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

#include "env_file.h"
#include "file.h"
#include "message.h"
#include "proc_info.h"

/* Contains the path that --env named last. */
#define SOURCE_FILE "env/source"

static const char *source = SETTINGS_FILE;
static struct {
	const char *names[512]; /* as many as in struct environment */
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
is_of_service(const struct spec *spec, const char *name)
{
	for (int i = 0; i < spec->nservices; i++)
		if (is_of(name, spec->services[i].variable))
			return true;
	return false;
}

static bool
is_ours(const struct spec *spec, const char *name)
{
	return is_of_service(spec, name) || is_of(name, "KEDGE");
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

static bool
load(const struct spec *spec, const struct environment *e, int i)
{
	const char *name = e->names[i];
	const char *problem = name_problem(spec, name);

	if (problem != NULL) {
		print_error(
		    "%s:%d: %s %s", source, e->first_lines[i], name, problem);
		return false;
	}
	/* The environment of the command takes precedence. */
	if (getenv(name) != NULL && !settings_has(name))
		return true;
	if (!settings_has(name))
		loaded.names[loaded.count++] = name;
	return setenv(name, e->values[i], /* overwrite= */ 1) == 0;
}

bool
settings_load(struct arena *a, const struct spec *spec)
{
	struct environment e = { 0 };
	int i;

	find_source(a);
	if (!file_exists(source)) {
		if (str_eq(source, SETTINGS_FILE))
			return true;
		print_error("%s: \"kedge up --env\" named this file, and it is "
			    "gone",
		    source);
		return false;
	}
	if (!environment_parse(a, source, &e))
		return false;
	loaded.count = 0;
	for (i = 0; i < e.count; i++)
		if (!load(spec, &e, i))
			return false;
	return true;
}

/* NAME_FILE of NAME, and the other way round: two sources of one secret. */
static const char *
other_source(struct arena *a, const char *name)
{
	size_t len = strlen(name);

	return len > 5 && str_eq(name + len - 5, "_FILE")
	           ? arena_strndup(a, name, len - 5)
	           : arena_printf(a, "%s_FILE", name);
}

static bool
inherit(struct arena *a, const char *name, const char *value,
    void (*changed)(const char *name))
{
	const char *other = other_source(a, name);

	if (getenv(name) == NULL && getenv(other) == NULL)
		return setenv(name, value, /* overwrite= */ 1) == 0;
	if (changed == NULL)
		return true;
	if (settings_has(name) ? !str_eq(getenv(name), value)
			       : settings_has(other))
		changed(name);
	return true;
}

bool
settings_load_running(struct arena *a, const struct spec *spec,
    pid_t supervisor, void (*changed)(const char *name))
{
	char *const *given;
	const char *equals, *name;

	if (!settings_load(a, spec))
		return false;
	given = proc_info_environment(a, supervisor);
	if (given == NULL) {
		print_error("cannot read the environment of process %ld, with "
			    "which the stack was started: run this command as "
			    "the same user",
		    (long)supervisor);
		return false;
	}
	for (; *given != NULL; given++) {
		equals = strchr(*given, '=');
		if (equals == NULL)
			continue;
		name = arena_strndup(a, *given, (size_t)(equals - *given));
		if ((is_of_service(spec, name) ||
			str_eq(name, "KEDGE_TRUSTED_PROXIES")) &&
		    !inherit(a, name, equals + 1, changed))
			return false;
	}
	return true;
}

const char *
settings_path(void)
{
	return source;
}

const char *
settings_full_path(struct arena *a, const char *dir)
{
	return source[0] == '/' ? source
	                        : arena_printf(a, "%s/%s", dir, source);
}

bool
settings_has(const char *name)
{
	for (int i = 0; i < loaded.count; i++)
		if (str_eq(loaded.names[i], name))
			return true;
	return false;
}

const char *
settings_name(int i)
{
	return i < loaded.count ? loaded.names[i] : NULL;
}

/* Whether the line of the file is about the variable. */
static bool
is_about(const struct environment *e, int line, const char *name)
{
	int i;

	for (i = 0; i < e->count; i++)
		if (e->first_lines[i] <= line && line <= e->last_lines[i] &&
		    str_eq(e->names[i], name))
			return true;
	return false;
}

bool
settings_change(struct arena *a, const struct spec *spec, const char *name,
    const char *value)
{
	const char *problem = name_problem(spec, name);
	char *at = file_find(a, source, /* ret_len= */ NULL);
	struct environment e = { 0 };
	bool written = value == NULL;
	struct buf b;
	char *line;
	int number;

	if (problem != NULL || (value != NULL && strchr(value, '\n') != NULL)) {
		print_error("%s %s", name,
		    problem != NULL ? problem : "has a value of several lines");
		return false;
	}
	if (!environment_parse_if_exists(a, source, &e))
		return false;
	buf_init(&b, a, FILE_MAX_BYTES);
	for (number = 1; at != NULL; number++) {
		line = strsep(&at, "\n");
		if (line[0] == '\0' && at == NULL)
			break; /* the end of the last line */
		if (!is_about(&e, number, name)) {
			buf_printf(&b, "%s\n", line);
		} else if (!written) {
			buf_printf(
			    &b, "%s=%s\n", name, environment_quoted(a, value));
			written = true;
		}
	}
	if (!written)
		buf_printf(&b, "%s=%s\n", name, environment_quoted(a, value));
	return file_write(a, source, 0600, b.data);
}

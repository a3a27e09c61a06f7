#include "env_file.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include "file.h"
#include "message.h"

/*
 * The same sets of characters as in systemd's parser of EnvironmentFile=
 * (src/basic/env-file.c).
 */
#define BLANK " \t\r\n"
#define ESCAPED_IN_QUOTES "\"\\`$"

struct reader {
	struct arena *a;
	const char *path; /* for messages */
	const char *at;
	int line;
	struct environment *e;
};

void
environment_put(struct environment *e, const char *name, const char *value)
{
	assert(e->count < (int)COUNT_OF(e->names));
	e->names[e->count] = name;
	e->values[e->count] = value;
	e->count++;
}

const char *
environment_find(const struct environment *e, const char *name)
{
	int i;

	for (i = e->count - 1; i >= 0; i--)
		if (str_eq(e->names[i], name))
			return e->values[i];
	return NULL;
}

/* -- reading -- */

static bool
is_newline(char c)
{
	return c == '\n' || c == '\r';
}

static bool
is_blank(char c)
{
	return c != '\0' && strchr(BLANK, c) != NULL;
}

static char
next(struct reader *r)
{
	if (*r->at == '\n')
		r->line++;
	return *r->at++;
}

static void
skip_blank(struct reader *r)
{
	while (is_blank(*r->at))
		next(r);
}

static bool
skip_comment(struct reader *r)
{
	size_t len = strcspn(r->at, "\r\n");

	if (r->at[len - 1] == '\\') {
		print_error("%s:%d: a comment that ends with \"\\\" is read in "
			    "different ways by the releases of systemd; remove "
			    "the \"\\\"",
		    r->path, r->line);
		return false;
	}
	r->at += len;
	return true;
}

/* Reads a quoted value. False: the closing quote is missing. */
static bool
read_quoted(struct reader *r, struct buf *b)
{
	char quote = next(r);

	while (*r->at != quote) {
		if (*r->at == '\0')
			return false;
		if (quote == '"' && *r->at == '\\' && r->at[1] != '\0') {
			next(r);
			if (*r->at == '\n') { /* the next line goes on */
				next(r);
				continue;
			}
			if (strchr(ESCAPED_IN_QUOTES, *r->at) == NULL)
				buf_putc(b, '\\');
		}
		buf_putc(b, next(r));
	}
	next(r);
	return true;
}

/* Reads up to the end of the line, without the blanks before it. */
static void
read_plain(struct reader *r, struct buf *b)
{
	size_t kept = b->len;

	while (*r->at != '\0' && !is_newline(*r->at)) {
		if (*r->at == '\\') {
			next(r);
			if (*r->at == '\0')
				return;
			if (is_newline(*r->at))
				next(r);
			else
				buf_putc(b, next(r));
			kept = b->len;
			continue;
		}
		buf_putc(b, *r->at);
		if (!is_blank(next(r)))
			kept = b->len;
	}
	b->len = kept;
}

static bool
read_value(struct reader *r, const char *name, int line, const char **ret_value)
{
	struct buf b;

	buf_init(&b, r->a, FILE_MAX_BYTES);
	for (;;) {
		while (is_blank(*r->at) && !is_newline(*r->at))
			next(r);
		if (*r->at == '\0' || is_newline(*r->at))
			break;
		if (*r->at != '\'' && *r->at != '"') {
			read_plain(r, &b);
			break;
		}
		if (!read_quoted(r, &b)) {
			print_error("%s:%d: the quotes around the value of %s "
				    "do not match",
			    r->path, line, name);
			return false;
		}
	}
	*ret_value = arena_strndup(r->a, b.len == 0 ? "" : b.data, b.len);
	return true;
}

static bool
is_name(const char *name)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

	return name[0] != '\0' && (name[0] < '0' || name[0] > '9') &&
	       name[strspn(name, allowed)] == '\0';
}

static bool
read_variable(struct reader *r)
{
	size_t len = strcspn(r->at, "=\r\n");
	bool has_value = r->at[len] == '=';
	int line = r->line;
	const char *value;
	char *name;

	name = arena_strndup(r->a, r->at, len);
	r->at += len;
	while (len > 0 && is_blank(name[len - 1]))
		name[--len] = '\0';
	if (!has_value) {
		print_error("%s:%d: %s has no \"=\": a line is NAME=value",
		    r->path, line, name);
		return false;
	}
	if (!is_name(name)) {
		print_error("%s:%d: \"%s\" is no name of a variable (letters, "
			    "digits and \"_\")",
		    r->path, line, name);
		return false;
	}
	next(r);
	if (!read_value(r, name, line, &value))
		return false;
	if (r->e->count == (int)COUNT_OF(r->e->names)) {
		print_error("%s:%d: a file may set at most %d variables",
		    r->path, line, r->e->count);
		return false;
	}
	r->e->first_lines[r->e->count] = line;
	r->e->last_lines[r->e->count] = r->line;
	environment_put(r->e, name, value);
	return true;
}

bool
environment_parse(struct arena *a, const char *path, struct environment *e)
{
	size_t len;
	const char *text = file_read(a, path, &len);
	struct reader r = { a, path, text, 1, e };

	if (text == NULL)
		return false;
	if (strlen(text) != len) {
		print_error(
		    "%s: the file has a NUL byte; it must be a text", path);
		return false;
	}
	for (skip_blank(&r); *r.at != '\0'; skip_blank(&r))
		if (*r.at == '#' || *r.at == ';' ? !skip_comment(&r)
						 : !read_variable(&r))
			return false;
	return true;
}

bool
environment_parse_if_exists(
    struct arena *a, const char *path, struct environment *e)
{
	return !file_exists(path) || environment_parse(a, path, e);
}

/* -- writing -- */

const char *
environment_quoted(struct arena *a, const char *value)
{
	size_t len = strlen(value);
	struct buf b;

	if (len == 0 || (strpbrk(value, "\\\r\n") == NULL &&
			    !is_blank(value[0]) && !is_blank(value[len - 1]) &&
			    value[0] != '"' && value[0] != '\''))
		return value;
	buf_init(&b, a, FILE_MAX_BYTES);
	buf_putc(&b, '"');
	for (; *value != '\0'; value++) {
		if (strchr(ESCAPED_IN_QUOTES, *value) != NULL)
			buf_putc(&b, '\\');
		buf_putc(&b, *value);
	}
	buf_putc(&b, '"');
	return b.data;
}

const char *
environment_text(struct arena *a, const char *head, const struct environment *e)
{
	struct buf b;
	int i;

	buf_init(&b, a, FILE_MAX_BYTES);
	buf_puts(&b, head);
	for (i = 0; i < e->count; i++)
		buf_printf(&b, "%s=%s\n", e->names[i],
		    environment_quoted(a, e->values[i]));
	return b.data;
}

#include "scaffold_text.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include "file.h"

/* Returns the beginning of the next line, or the end of the text. */
static const char *
next_line(const char *line)
{
	const char *newline = strchr(line, '\n');

	return newline != NULL ? newline + 1 : line + strlen(line);
}

/* Returns the text with the part between two places replaced. */
static const char *
splice(struct arena *a, const char *text, const char *from, const char *to,
    const char *instead)
{
	struct buf b;

	buf_init(&b, a, FILE_MAX_BYTES);
	buf_put(&b, text, (size_t)(from - text));
	buf_puts(&b, instead);
	buf_puts(&b, to);
	return buf_failed(&b) ? NULL : b.data;
}

/* -- rows and includes -- */

static bool
is_line(const char *line, const char *expected)
{
	size_t len = strlen(expected);

	return strncmp(line, expected, len) == 0 &&
	       (line[len] == '\n' || line[len] == '\0');
}

const char *
text_insert_row(struct arena *a, const char *text, const char *begin,
    const char *end, const char *row)
{
	const char *line = text;

	while (*line != '\0' && !str_has_prefix(line, begin))
		line = next_line(line);
	while (*line != '\0' && !is_line(line, end))
		line = next_line(line);
	return *line == '\0' ? NULL : splice(a, text, line, line, row);
}

const char *
text_insert_include(struct arena *a, const char *text, const char *file)
{
	const char *row = arena_printf(a, "#include \"%s\"\n", file);
	const char *line, *place = NULL;

	for (line = text; *line != '\0'; line = next_line(line)) {
		if (!str_has_prefix(line, "#include \""))
			continue;
		if (place == NULL || strcmp(line, row) < 0)
			place = strcmp(line, row) < 0 ? next_line(line) : line;
	}
	return place == NULL ? NULL : splice(a, text, place, place, row);
}

/* -- sections of Markdown -- */

/* Finds the heading of a section. NULL: there is none. */
static const char *
find_section(struct arena *a, const char *text, const char *name)
{
	const char *heading = arena_printf(a, "## %s", name);
	const char *line;

	for (line = text; *line != '\0'; line = next_line(line))
		if (is_line(line, heading))
			return line;
	return NULL;
}

/* Returns the next heading of the same level, or the end of the text. */
static const char *
section_end(const char *heading)
{
	const char *line = next_line(heading);

	while (*line != '\0' && !str_has_prefix(line, "## "))
		line = next_line(line);
	return line;
}

/* An empty line stands before each heading, and none at the end. */
static const char *
insert_section(
    struct arena *a, const char *text, const char *place, const char *section)
{
	return splice(a, text, place, place,
	    *place == '\0' ? arena_printf(a, "\n%s", section)
			   : arena_printf(a, "%s\n", section));
}

const char *
text_insert_section(
    struct arena *a, const char *text, const char *after, const char *section)
{
	const char *heading = find_section(a, text, after);

	return insert_section(a, text,
	    heading != NULL ? section_end(heading) : text + strlen(text),
	    section);
}

const char *
text_insert_section_before(
    struct arena *a, const char *text, const char *before, const char *section)
{
	const char *heading = find_section(a, text, before);

	return insert_section(
	    a, text, heading != NULL ? heading : text + strlen(text), section);
}

const char *
text_append_to_section(
    struct arena *a, const char *text, const char *name, const char *more)
{
	const char *heading = find_section(a, text, name);
	const char *place;

	if (heading == NULL)
		return NULL;
	place = section_end(heading);
	while (place > text + 1 && place[-1] == '\n' && place[-2] == '\n')
		place--;
	return splice(a, text, place, place, more);
}

const char *
text_remove_section(struct arena *a, const char *text, const char *name)
{
	const char *heading = find_section(a, text, name);
	const char *end;

	if (heading == NULL)
		return text;
	end = section_end(heading);
	/* If this is the last section, remove the empty line before it, too. */
	if (*end == '\0' && heading > text + 1 && heading[-2] == '\n')
		heading--;
	return splice(a, text, heading, end, "");
}

const char *
text_remove_lines(struct arena *a, const char *text, const char *prefix)
{
	const char *line, *next;
	struct buf b;

	buf_init(&b, a, FILE_MAX_BYTES);
	for (line = text; *line != '\0'; line = next) {
		next = next_line(line);
		if (!str_has_prefix(line, prefix))
			buf_put(&b, line, (size_t)(next - line));
	}
	return buf_failed(&b) ? NULL : b.data;
}

/* -- kedge.json -- */

static const char *
skip_space(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

static const char *
skip_string(const char *at)
{
	for (at++; *at != '\0' && *at != '"'; at++)
		if (*at == '\\' && at[1] != '\0')
			at++;
	return *at == '"' ? at + 1 : at;
}

/* Returns the end of a value of valid JSON. */
static const char *
skip_value(const char *at)
{
	int depth = 0;

	do {
		if (*at == '"') {
			at = skip_string(at);
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
			depth--;
		else if (depth == 0 || *at == '\0')
			return at + strcspn(at, ",]} \t\r\n");
		at++;
	} while (depth > 0);
	return at;
}

/*
 * Finds the value of the top-level member "services". NULL: there is no such
 * member.
 */
static const char *
find_services(const char *text)
{
	static const char name[] = "\"services\"";
	const char *at = skip_space(text);
	const char *member;

	if (*at != '{')
		return NULL;
	for (at = skip_space(at + 1); *at == '"';) {
		member = at;
		at = skip_space(skip_string(at));
		if (*at != ':')
			return NULL;
		at = skip_space(at + 1);
		if (strncmp(member, name, sizeof(name) - 1) == 0)
			return *at == '[' ? at : NULL;
		at = skip_space(skip_value(at));
		if (*at == ',')
			at = skip_space(at + 1);
	}
	return NULL;
}

/* An item of the list of services, without the white space around it. */
struct span {
	const char *begin, *end;
};

/*
 * Finds the service with that index, or the last service for -1. False: there
 * is no such service.
 */
static bool
find_service(const char *text, int index, struct span *ret)
{
	const char *at = find_services(text);
	bool found = false;
	int i;

	if (at == NULL)
		return false;
	at = skip_space(at + 1);
	for (i = 0; *at != ']' && *at != '\0'; i++) {
		if (i == index || index == -1) {
			*ret = (struct span){ at, skip_value(at) };
			found = true;
		}
		at = skip_space(skip_value(at));
		if (*at == ',')
			at = skip_space(at + 1);
	}
	return found;
}

/* The white space between the beginning of the line and the place. */
static const char *
indentation(struct arena *a, const char *text, const char *place)
{
	const char *begin = place;

	while (begin > text && (begin[-1] == ' ' || begin[-1] == '\t'))
		begin--;
	if (begin == text || begin[-1] != '\n')
		return "";
	return arena_strndup(a, begin, (size_t)(place - begin));
}

const char *
text_insert_service(struct arena *a, const char *text, const char *row)
{
	const char *indent, *line, *next;
	struct span last;
	struct buf b;

	if (!find_service(text, -1, &last))
		return NULL;
	indent = indentation(a, text, last.begin);
	buf_init(&b, a, FILE_MAX_BYTES);
	buf_puts(&b, ",");
	for (line = row; *line != '\0'; line = next) {
		next = next_line(line);
		buf_printf(&b, "\n%s", indent);
		buf_put(&b, line, strcspn(line, "\n"));
	}
	if (buf_failed(&b))
		return NULL;
	return splice(a, text, last.end, last.end, b.data);
}

const char *
text_remove_service(struct arena *a, const char *text, int index)
{
	const char *end;
	struct span at, before;

	if (!find_service(text, index, &at))
		return NULL;
	if (index > 0 && find_service(text, index - 1, &before))
		return splice(a, text, before.end, at.end, "");
	end = skip_space(at.end);
	return splice(
	    a, text, at.begin, *end == ',' ? skip_space(end + 1) : at.end, "");
}

#include "base/json_place.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"

struct cursor {
	const char *at;
	const char *end;
	size_t line; /* of the byte at `at` */
};

/*
 * One step of a path: the name of a member of an object, or the index of an
 * item of an array.
 */
struct step {
	const char *name; /* NULL: the step is an index */
	size_t len;
	size_t index;
};

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
skip_space(struct cursor *c)
{
	for (; c->at < c->end && is_space(*c->at); c->at++)
		c->line += *c->at == '\n';
}

static char
peek(const struct cursor *c)
{
	return (char)(c->at < c->end ? *c->at : '\0');
}

/* Advances behind a character if it is the next one. */
static bool
take(struct cursor *c, char wanted)
{
	skip_space(c);
	if (peek(c) != wanted)
		return false;
	c->at++;
	return true;
}

/*
 * Advances behind a value, without recursion: brackets are counted, and the
 * text is valid, so that they match.
 */
static void
skip_value(struct cursor *c)
{
	size_t depth = 0;

	skip_space(c);
	while (c->at < c->end) {
		if (*c->at == '"') {
			c->at = json_skip_string(c->at, c->end);
		} else if (*c->at == '{' || *c->at == '[') {
			depth++;
			c->at++;
		} else if (*c->at == '}' || *c->at == ']') {
			if (depth == 0)
				return;
			depth--;
			c->at++;
		} else if (*c->at == ',' && depth == 0) {
			return;
		} else if (is_space(*c->at)) {
			if (depth == 0)
				return;
			skip_space(c);
			continue;
		} else {
			c->at++;
			continue;
		}
		if (depth == 0)
			return;
	}
}

/*
 * Goes to the value of the member and sets *ret_line to the line of its name.
 * False: the next value is not an object, or has no such member.
 */
static bool
enter_member(struct cursor *c, const struct step *s, size_t *ret_line)
{
	const char *name;
	size_t line;

	if (!take(c, '{'))
		return false;
	for (;;) {
		skip_space(c);
		if (peek(c) != '"')
			return false;
		name = c->at + 1;
		line = c->line;
		c->at = json_skip_string(c->at, c->end);
		if (!take(c, ':'))
			return false;
		if ((size_t)(c->at - name) > s->len &&
		    memcmp(name, s->name, s->len) == 0 && name[s->len] == '"') {
			*ret_line = line;
			return true;
		}
		skip_value(c);
		if (!take(c, ','))
			return false;
	}
}

/*
 * Moves the cursor to the item of the array that the step s selects, and sets
 * *ret_line to its line. Returns false when there is no such item.
 */
static bool
enter_item(struct cursor *c, const struct step *s, size_t *ret_line)
{
	size_t i;

	if (!take(c, '['))
		return false;
	for (i = 0; i < s->index; i++) {
		skip_value(c);
		if (!take(c, ','))
			return false;
	}
	skip_space(c);
	*ret_line = c->line;
	return c->at < c->end && *c->at != ']';
}

/* Reads the next step of the path. False: the path ends. */
static bool
next_step(const char **path, struct step *ret_step)
{
	char *end;

	if (**path == '.')
		++*path;
	if (**path == '\0')
		return false;
	*ret_step = (struct step){ 0 };
	if (**path == '[') {
		ret_step->index = strtoul(*path + 1, &end, 10);
		*path = *end == ']' ? end + 1 : end;
	} else {
		ret_step->name = *path;
		ret_step->len = strcspn(*path, ".[");
		*path += ret_step->len;
	}
	return true;
}

static bool
enter(struct cursor *c, const struct step *s, size_t *ret_line)
{
	return s->name != NULL ? enter_member(c, s, ret_line)
	                       : enter_item(c, s, ret_line);
}

struct json_place
json_place_find(
    const char *text, size_t len, const char *path, const char *member)
{
	struct cursor c = { text, text + len, 1 };
	struct json_place place = { 0 };
	struct step step;
	bool found = true;

	skip_space(&c);
	place.line = c.line;
	while (found && next_step(&path, &step))
		found = enter(&c, &step, &place.line);
	if (found && member != NULL) {
		step = (struct step){ .name = member, .len = strlen(member) };
		found = enter(&c, &step, &place.line);
	}
	if (!found)
		return place;
	skip_space(&c);
	place.value = c.at;
	skip_value(&c);
	place.len = (size_t)(c.at - place.value);
	return place;
}

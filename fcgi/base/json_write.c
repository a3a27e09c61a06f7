/* json_write: writes values as JSON text, without recursion. */
#include <assert.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/json.h"

static void
write_escape(struct buf *b, unsigned char c)
{
	/* clang-format off */
	static const char letters[0x20] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r',
		['\t'] = 't',
	};
	/* clang-format on */

	if (c == '"' || c == '\\' || letters[c & 0x1f] != 0) {
		buf_putc(b, '\\');
		buf_putc(b, (char)(c >= 0x20 ? c : letters[c]));
		return;
	}
	buf_printf(b, "\\u%04x", c);
}

/*
 * Escapes the same characters as JavaScript's JSON.stringify, in the same way.
 */
void
json_write_string(struct buf *b, const char *s)
{
	if (s == NULL) {
		buf_puts(b, "null");
		return;
	}
	buf_putc(b, '"');
	for (;;) {
		const char *run = s;

		while ((unsigned char)*s >= 0x20 && *s != '"' && *s != '\\')
			s++;
		buf_put(b, run, (size_t)(s - run));
		if (*s == '\0')
			break;
		write_escape(b, (unsigned char)*s++);
	}
	buf_putc(b, '"');
}

void
json_write_strings(struct buf *b, const char *const *items, size_t count)
{
	buf_putc(b, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_putc(b, ',');
		json_write_string(b, items[i]);
	}
	buf_putc(b, ']');
}

/*
 * Writes the fewest digits that read back as the same double, and always a "."
 * or an exponent, so that a reader does not take the number for an integer.
 */
static void
write_real(struct buf *b, double n)
{
	char text[32];

	for (int digits = DBL_DIG; digits <= DBL_DECIMAL_DIG; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, n);
		if (strtod(text, NULL) == n)
			break;
	}
	buf_puts(b, text);
	if (strpbrk(text, ".e") == NULL)
		buf_puts(b, ".0");
}

/* Writes a value; of an array or object it writes only the opening bracket. */
static void
write_one(struct buf *b, json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		buf_putc(b, '{');
		break;
	case JSON_ARRAY:
		buf_putc(b, '[');
		break;
	case JSON_STRING:
		json_write_string(b, json_string_value(j));
		break;
	case JSON_INTEGER:
		buf_put_i64(b, json_integer_value(j));
		break;
	case JSON_REAL:
		write_real(b, json_real_value(j));
		break;
	case JSON_TRUE:
		buf_puts(b, "true");
		break;
	case JSON_FALSE:
		buf_puts(b, "false");
		break;
	case JSON_NULL:
		buf_puts(b, "null");
		break;
	}
}

/* An array or object of which the beginning has been written. */
struct level {
	json_t *container;
	void *member; /* in an object: the next member; NULL after the last */
	size_t index; /* in an array: the index of the next item */
	bool begun;
};

static struct level
level_of(json_t *j)
{
	return (struct level){
		.container = j,
		.member = json_object_iter(j),
	};
}

/*
 * Writes the comma and the member name before the next value, and returns that
 * value; NULL when the array or object is complete.
 */
static json_t *
next_value(struct buf *b, struct level *l)
{
	json_t *value;

	if (json_is_array(l->container)) {
		value = json_array_get(l->container, l->index++);
		if (value != NULL && l->begun)
			buf_putc(b, ',');
	} else {
		if (l->member == NULL)
			return NULL;
		if (l->begun)
			buf_putc(b, ',');
		json_write_string(b, json_object_iter_key(l->member));
		buf_putc(b, ':');
		value = json_object_iter_value(l->member);
		l->member = json_object_iter_next(l->container, l->member);
	}
	l->begun = true;
	return value;
}

void
json_write(struct buf *b, const struct json *j)
{
	struct level levels[JSON_DEPTH_MAX];
	json_t *value = (json_t *)j; /* json.c has the same cast */
	int depth = 0;

	write_one(b, value);
	if (json_is_object(value) || json_is_array(value))
		levels[depth++] = level_of(value);
	while (depth > 0) {
		struct level *l = &levels[depth - 1];

		value = next_value(b, l);
		if (value == NULL) {
			buf_putc(b, json_is_array(l->container) ? ']' : '}');
			depth--;
			continue;
		}
		write_one(b, value);
		if (json_is_object(value) || json_is_array(value)) {
			/* json_read() refuses deeper nesting. */
			assert(depth < JSON_DEPTH_MAX);
			levels[depth++] = level_of(value);
		}
	}
}

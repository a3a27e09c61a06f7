/*
 * A struct json is jansson's json_t under our name: it is never defined, only
 * converted at this border.
 */
#include "base/json.h"

#include <assert.h>
#include <float.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/random.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;

static json_t *
theirs(const struct json *j)
{
	assert(j != NULL);
	/* jansson's getters take const or not as it happens; none writes. */
	return (json_t *)j;
}

static const struct json *
ours(const json_t *j)
{
	return (const struct json *)j;
}

/* So that nobody can choose keys that fall into one bucket. */
static void
seed(void)
{
	size_t n;

	random_bytes(&n, sizeof(n));
	json_object_seed(n);
}

/*
 * Counted before anything is built: jansson allows 2048 levels, and what
 * reads, writes and frees its values calls itself once for each.
 */
static bool
too_deep(const char *text, size_t len)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '[' || c == '{') {
			if (++depth > JSON_DEPTH_MAX)
				return true;
		} else if (c == ']' || c == '}') {
			depth--;
		}
	}
	return false;
}

static const char *
problem_of(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_duplicate_key:
		return "a key occurs twice in one object";
	case json_error_end_of_input_expected:
		return "there is something after the value";
	case json_error_premature_end_of_input:
		return "the value is not complete";
	case json_error_invalid_utf8:
		return "the text is not UTF-8";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "a string holds a NUL character";
	case json_error_numeric_overflow:
		return "a number is too large";
	default:
		return "the text is not JSON";
	}
}

static void
release(void *obj)
{
	json_decref(obj);
}

const struct json *
json_read(
    struct arena *a, const char *text, size_t len, const char **ret_problem)
{
	json_error_t error;
	json_t *j;

	pthread_once(&once, seed);
	/* jansson overlooks a NUL behind a number or a word: [1<NUL>,2]. */
	if (len > 0 && memchr(text, '\0', len) != NULL) {
		*ret_problem = "the text is not JSON";
		return NULL;
	}
	if (too_deep(text, len)) {
		*ret_problem = "the value is nested too deeply";
		return NULL;
	}
	j = json_loadb(
	    text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (j == NULL) {
		*ret_problem = problem_of(&error);
		return NULL;
	}
	arena_defer(a, release, j);
	return ours(j);
}

enum json_kind
json_kind(const struct json *j)
{
	switch (json_typeof(theirs(j))) {
	case JSON_OBJECT:
		return JSON_KIND_OBJECT;
	case JSON_ARRAY:
		return JSON_KIND_ARRAY;
	case JSON_STRING:
		return JSON_KIND_STRING;
	case JSON_INTEGER:
		return JSON_KIND_INT;
	case JSON_REAL:
		return JSON_KIND_REAL;
	case JSON_TRUE:
	case JSON_FALSE:
		return JSON_KIND_BOOL;
	case JSON_NULL:
		return JSON_KIND_NULL;
	}
	abort();
}

const struct json *
json_member(const struct json *j, const char *name)
{
	return ours(json_object_get(theirs(j), name));
}

size_t
json_count(const struct json *j)
{
	if (json_is_array(theirs(j)))
		return json_array_size(theirs(j));
	return json_object_size(theirs(j));
}

const struct json *
json_item(const struct json *j, size_t index)
{
	assert(json_is_array(theirs(j)));
	assert(index < json_array_size(theirs(j)));
	return ours(json_array_get(theirs(j), index));
}

void
json_each(const struct json *j,
    void (*visit)(void *ctx, const char *name, const struct json *value),
    void *ctx)
{
	json_t *object = theirs(j);

	assert(json_is_object(object));
	for (void *m = json_object_iter(object); m != NULL;
	     m = json_object_iter_next(object, m))
		visit(ctx, json_object_iter_key(m),
		    ours(json_object_iter_value(m)));
}

bool
json_get_bool(const struct json *j)
{
	assert(json_is_boolean(theirs(j)));
	return json_is_true(theirs(j));
}

int64_t
json_get_int(const struct json *j)
{
	assert(json_is_integer(theirs(j)));
	return json_integer_value(theirs(j));
}

double
json_get_real(const struct json *j)
{
	assert(json_is_real(theirs(j)));
	return json_real_value(theirs(j));
}

const char *
json_get_string(const struct json *j)
{
	assert(json_is_string(theirs(j)));
	return json_string_value(theirs(j));
}

const char *
json_member_string(const struct json *j, const char *name)
{
	/* Both give NULL for what is not there or of another kind. */
	return json_string_value(json_object_get(theirs(j), name));
}

bool
json_member_int(const struct json *j, const char *name, int64_t *ret_n)
{
	const json_t *value = json_object_get(theirs(j), name);

	if (!json_is_integer(value))
		return false;
	*ret_n = json_integer_value(value);
	return true;
}

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

/* Escapes what JSON.stringify escapes, in the same way. */
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

/* Digits enough to read as the same number, and a mark that it is real. */
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

/* A container is only opened. */
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

/* A container that is being written. */
struct level {
	json_t *container;
	void *member; /* of an object: the next one; NULL after the last */
	size_t index; /* of an array: the next one */
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

/* Writes what precedes the next value; NULL when the container is done. */
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
	json_t *value = theirs(j);
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
			assert(
			    depth < JSON_DEPTH_MAX); /* json_read saw to it */
			levels[depth++] = level_of(value);
		}
	}
}

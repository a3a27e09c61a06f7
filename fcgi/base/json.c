/*
 * A struct json is jansson's json_t under another name.  The struct is never
 * defined; only this file converts between the two pointer types.
 */
#include "base/json.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/json_inexact.h"
#include "base/json_scan.h"
#include "base/random.h"

/* The length to which the strings of unknown members are cut. */
enum { SHORT_STRING_MAX = 64 };

static pthread_once_t once = PTHREAD_ONCE_INIT;

static json_t *
theirs(const struct json *j)
{
	assert(j != NULL);
	/*
	 * Some of jansson's getters lack a const in their parameter, but none
	 * of them changes the value.
	 */
	return (json_t *)j;
}

static const struct json *
ours(const json_t *j)
{
	return (const struct json *)j;
}

/*
 * Seeds jansson's hash table with a random number, so that nobody can send many
 * keys with the same hash.
 */
static void
seed(void)
{
	size_t n;

	random_bytes(&n, sizeof(n));
	json_object_seed(n);
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

/*
 * Returns whether the text is nested at most JSON_DEPTH_MAX levels deep and has
 * at most max_values values.  Checked before jansson reads the text, because
 * jansson itself allows 2048 levels.
 */
static bool
is_in_bounds(
    const struct json_scan *found, size_t max_values, const char **ret_problem)
{
	if (found->depth > JSON_DEPTH_MAX)
		*ret_problem = "the value is nested too deeply";
	else if (found->values > max_values)
		*ret_problem = "the value holds too many values";
	else
		return true;
	return false;
}

const struct json *
json_read_bounded(struct arena *a, const char *text, size_t len,
    size_t max_values, struct json_read_result *ret_result)
{
	struct json_scan found = json_scan(text, len, max_values);
	json_error_t error;
	json_t *j;

	pthread_once(&once, seed);
	*ret_result = (struct json_read_result){
		.too_many =
		    found.depth <= JSON_DEPTH_MAX && found.values > max_values,
	};
	/* jansson accepts a NUL byte after a number or a word: [1<NUL>,2]. */
	if (len > 0 && memchr(text, '\0', len) != NULL) {
		ret_result->problem = "the text is not JSON";
		return NULL;
	}
	if (!is_in_bounds(&found, max_values, &ret_result->problem))
		return NULL;
	j = json_loadb(
	    text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (j == NULL) {
		ret_result->problem = problem_of(&error);
		ret_result->line = error.line;
		ret_result->detail = arena_strdup(a, error.text);
		return NULL;
	}
	arena_defer(a, release, j);
	ret_result->inexact =
	    json_inexact_find(a, ours(j), text, len, found.inexact);
	return ours(j);
}

const struct json *
json_read(
    struct arena *a, const char *text, size_t len, const char **ret_problem)
{
	struct json_read_result result;
	const struct json *j =
	    json_read_bounded(a, text, len, JSON_VALUES_MAX, &result);

	if (j == NULL)
		*ret_problem = result.problem;
	return j;
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

/* Makes an array or object empty, or cuts a long string. */
static void
shorten(json_t *value)
{
	if (json_is_array(value))
		json_array_clear(value);
	else if (json_is_object(value))
		json_object_clear(value);
	else if (json_is_string(value) &&
		 json_string_length(value) > SHORT_STRING_MAX)
		json_string_set(value, "...");
}

void
json_shorten_others(const struct json *j,
    bool (*is_named)(void *ctx, const char *name), void *ctx)
{
	json_t *object = theirs(j);

	assert(json_is_object(object));
	for (void *m = json_object_iter(object); m != NULL;
	     m = json_object_iter_next(object, m)) {
		if (!is_named(ctx, json_object_iter_key(m)))
			shorten(json_object_iter_value(m));
	}
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
	/*
	 * jansson: json_object_get() returns NULL if the member is missing, and
	 * json_string_value() returns NULL if it is no string.
	 */
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

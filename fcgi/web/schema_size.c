/*
 * schema_size: an upper limit for the number of values in a body of a schema.
 *
 * The limit leaves some room for rules that are checked after parsing (a list
 * of at most 100 items) and for unknown members, so that a body that breaks
 * such a rule gets the error that names the field.
 */
#include <assert.h>

#include "web/schema.h"

enum {
	MEMBER_VALUES = 2, /* a member's name and its value */
	UNBOUNDED_ITEMS = 1000, /* items of an array whose row has no max */
	/* Bytes of an arbitrary object whose row has no max. */
	UNBOUNDED_BYTES = 8 * 1024,
	/*
	 * Values that are counted for each arbitrary object.  In addition, the
	 * largest one may have as many values as its bytes allow.
	 */
	ANY_OBJECT_VALUES = 16,
	SPARE_VALUES = 64,
	IGNORED_VALUES =
	    256, /* room for unknown members, where these are ignored */
	LEVELS_MAX = 8, /* the most nested schemas in the constant tables */
};

static size_t
max_or(const struct field *f, size_t otherwise)
{
	return f->max > 0 && f->max >= f->min ? (size_t)f->max : otherwise;
}

/*
 * Counts the values of one schema. *largest is the size in bytes of the largest
 * object of TYPE_ANY_OBJECT so far.
 */
static size_t
count_members(/* NOLINT(misc-no-recursion) */
    const struct schema *s, size_t *largest, int level)
{
	size_t count = 1, bytes;

	assert(level < LEVELS_MAX);
	for (const struct field *f = s->fields; f != NULL && f->name != NULL;
	     f++) {
		if (f->from != FROM_BODY)
			continue;
		count += MEMBER_VALUES;
		switch (f->type) {
		case TYPE_STRINGS:
			count += max_or(f, UNBOUNDED_ITEMS);
			break;
		case TYPE_OBJECTS:
			count += max_or(f, UNBOUNDED_ITEMS) *
			         count_members(f->of, largest, level + 1);
			break;
		case TYPE_ANY_OBJECT:
			count += ANY_OBJECT_VALUES;
			bytes = max_or(f, UNBOUNDED_BYTES);
			if (bytes > *largest)
				*largest = bytes;
			break;
		default:
			break;
		}
	}
	return count;
}

size_t
schema_values_max(const struct schema *s)
{
	size_t largest = 0, count = count_members(s, &largest, 0);

	/* Each value takes at least two bytes: itself and a comma. */
	return count + largest / 2 + SPARE_VALUES +
	       (s->refuse_unknown ? 0 : IGNORED_VALUES);
}

/*
 * json_place: finds a value in a JSON text by its path, for messages about a
 * file that a person has written: where the value stands, and what it is.
 *
 * A tree of values (base/json.h) has no positions, so the text is scanned
 * again.  The text must be valid JSON; of any other text the result is
 * arbitrary, but no byte after its end is read.
 */
#ifndef BASE_JSON_PLACE_H
#define BASE_JSON_PLACE_H

#include <stdbool.h>
#include <stddef.h>

struct json_place {
	/*
	 * A line number, from 1.  For a member: the line of its name.  For an
	 * item of an array, or for the whole text: the line of the value.  If
	 * there is no such value: the line of the innermost object or array of
	 * the path that exists.
	 */
	size_t line;
	/* The value's text, of `len` bytes; NULL: there is no such value. */
	const char *value;
	size_t len;
};

/*
 * Finds the value at a path such as "services[1].pools.api"; "" is the whole
 * text.  `member` is one more name below that path, which may contain any
 * characters; NULL: none.  A name that the text writes with an escape sequence
 * is not found.
 */
struct json_place json_place_find(
    const char *text, size_t len, const char *path, const char *member);

#endif

/*
 * json_sorted: writes a JSON value in a canonical form: no white space, the
 * members of each object sorted by name.
 */
#ifndef BASE_JSON_SORTED_H
#define BASE_JSON_SORTED_H

struct buf;
struct json;

/*
 * Writes the value in canonical form; NULL is written as null.  The output is
 * meant for hashing and is not valid JSON: each item has a comma after it.
 */
void json_write_sorted(struct buf *b, const struct json *j);

#endif

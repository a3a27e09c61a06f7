/*
 * json_sorted: writes JSON in a canonical form: no white space, the members of
 * objects sorted by name.
 */
#ifndef BASE_JSON_SORTED_H
#define BASE_JSON_SORTED_H

struct buf;
struct json;

/*
 * Writes NULL as null.  The output is for hashing, not for JSON readers: a
 * comma follows each item.
 */
void json_write_sorted(struct buf *b, const struct json *j);

#endif

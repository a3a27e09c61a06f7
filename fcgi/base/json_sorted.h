/*
 * json_sorted: JSON in a form that depends on its meaning alone: no blanks, the
 * members of objects in the order of their names.
 */
#ifndef BASE_JSON_SORTED_H
#define BASE_JSON_SORTED_H

struct buf;
struct json;

/* NULL is written as null.  Not for readers: commas follow each item. */
void json_write_sorted(struct buf *b, const struct json *j);

#endif

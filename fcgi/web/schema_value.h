/*
 * schema_value: the part of schema_read that turns one value into a member of
 * the struct, wherever the value came from, and an object within the body into
 * a struct of its own.
 */
#ifndef WEB_SCHEMA_VALUE_H
#define WEB_SCHEMA_VALUE_H

#include "web/schema.h"

struct arena;
struct json;

struct schema_query_value {
	const char *text; /* of the first pair */
	int count;
};

struct schema_reader {
	const struct schema *schema;
	struct arena *arena;
	const struct schema_input *input;
	unsigned char *strukt;
	struct problems *problems;
	/* By row; NULL when no row wants it. */
	struct schema_query_value *query;
	const char *prefix; /* of names in problems: "items[2]."; or NULL */
};

void schema_add_problem(struct schema_reader *rd, const struct problem *p);
void schema_add_field_problem(struct schema_reader *rd, const struct field *f,
    enum problem_kind kind, const char *received, const char *message);
/* As problems name it: "number". */
const char *schema_type_name(const struct json *j);

/* A query, path or header value: text, whatever the row's type. */
void schema_read_text(
    struct schema_reader *rd, const struct field *f, const char *text);
void schema_read_missing(struct schema_reader *rd, const struct field *f);
/* The object's member for this row, or that it is missing. */
void schema_read_member(
    struct schema_reader *rd, const struct field *f, const struct json *object);
/* All rows of an object within the body, and what is in none. */
void schema_read_members(struct schema_reader *rd, const struct json *object);
void schema_refuse_unknown(struct schema_reader *rd, const struct json *object);

#endif

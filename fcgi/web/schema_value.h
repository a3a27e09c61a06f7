/*
 * schema_value: the part of schema_read that turns one value from any source
 * into a member of the struct, and an object within the body into a struct.
 */
#ifndef WEB_SCHEMA_VALUE_H
#define WEB_SCHEMA_VALUE_H

#include "web/schema.h"

struct arena;
struct json;

struct schema_query_value {
	const char *text; /* the value of the first pair with that name */
	int count;
};

struct schema_reader {
	const struct schema *schema;
	struct arena *arena;
	const struct schema_input *input;
	unsigned char *strukt;
	struct problems *problems;
	/*
	 * The values of the query parameters, indexed by the schema's row; NULL
	 * when no row of the schema is FROM_QUERY.
	 */
	struct schema_query_value *query;
	const char
	    *prefix; /* put before names in problems: "items[2]."; or NULL */
};

void schema_add_problem(struct schema_reader *rd, const struct problem *p);
void schema_add_field_problem(struct schema_reader *rd, const struct field *f,
    enum problem_kind kind, const char *received, const char *message);
/* Returns the name of a value's JSON type, as in problems: "number". */
const char *schema_type_name(const struct json *j);

/*
 * Reads the value of a query parameter, path parameter or header: text,
 * whatever the row's type.
 */
void schema_read_text(
    struct schema_reader *rd, const struct field *f, const char *text);
void schema_read_missing(struct schema_reader *rd, const struct field *f);
/*
 * Reads the member of the object for this row, or records that the member is
 * missing.
 */
void schema_read_member(
    struct schema_reader *rd, const struct field *f, const struct json *object);
/* Reads all rows of an object within the body, and records unknown members. */
void schema_read_members(struct schema_reader *rd, const struct json *object);
void schema_refuse_unknown(struct schema_reader *rd, const struct json *object);

#endif

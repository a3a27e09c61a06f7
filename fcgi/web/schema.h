/*
 * schema: the fields of a request or a response, declared once as rows that
 * name the members of a struct.
 *
 * The rows are used to read JSON bodies, query strings, path parameters and
 * headers, to write responses, and to write the OpenAPI document.
 */
#ifndef WEB_SCHEMA_H
#define WEB_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct buf;
struct json;
struct json_inexact;

/*
 * A member that a client may leave out, set, or set to null (PATCH).  `set` is
 * false when it was left out; `value` is NULL when it is null.
 */
struct opt_string {
	const char *value;
	bool set;
};
/*
 * A Boolean member that a client may leave out, set, or set to null: `set` is
 * true when it has a value, `is_null` when it is null.
 */
struct opt_bool {
	bool value;
	bool set;
	bool is_null;
};
struct opt_int64 {
	int64_t value;
	bool set;
	bool is_null;
};
struct strings {
	const char *const *items;
	size_t count;
};
/* Items are an array of structs of the field's `of` schema. */
struct objects {
	const void *items;
	size_t count;
	/*
	 * Output: if not NULL, the items as comma-separated JSON
	 * (page_write()).
	 */
	const char *text;
	size_t text_len;
};
/* A JSON object with arbitrary members. */
struct any_object {
	const struct json *value; /* input: the value; NULL when absent */
	/*
	 * In input: the value as compact JSON.  In output: JSON that is copied
	 * to the response without a check.  NULL when absent.
	 */
	const char *text;
};

enum field_type {
	TYPE_STRING, /* const char *; NULL when absent */
	TYPE_OPT_STRING, /* struct opt_string */
	TYPE_INT64, /* int64_t */
	TYPE_BOOL, /* bool */
	TYPE_OPT_BOOL, /* struct opt_bool */
	TYPE_OPT_INT64, /* struct opt_int64 */
	/*
	 * struct strings; for input only in the body.  When absent, items is
	 * NULL.
	 */
	TYPE_STRINGS,
	/*
	 * const void *: a struct of the field's `of` schema, or NULL; only for
	 * output.
	 */
	TYPE_OBJECT,
	TYPE_OBJECTS, /* struct objects; for input only in the body */
	TYPE_ANY_OBJECT, /* struct any_object; for input only in the body */
};

enum field_from { FROM_BODY, FROM_QUERY, FROM_PATH, FROM_HEADER };

enum field_format {
	FMT_NONE,
	FMT_UUID, /* converted to lower case when read */
	FMT_DATE_TIME, /* RFC 3339; converted to UTC with milliseconds */
	/* RFC 3339 full-date: a day from 0001-01-01 to 9999-12-31 */
	FMT_DATE,
	/* No control characters, and at least one visible character. */
	FMT_LINE,
	FMT_EMAIL, /* for OpenAPI only; the handler checks it */
	FMT_URI, /* for OpenAPI only; it is not checked */
	/*
	 * Output only: an integer of any size, given as text, written as a
	 * number.
	 */
	FMT_INTEGER,
};

struct field {
	const char *name; /* the name in JSON, query, path or header */
	size_t offset;
	enum field_type type;
	enum field_from from; /* where the input comes from */
	bool required;
	/*
	 * The route itself refuses a request without it, with a code of its
	 * own: OpenAPI says that it is required.  For a parameter or a header.
	 */
	bool route_requires;
	/* Input: null is read as NULL.  Output: NULL is written as null. */
	bool nullable;
	/* Output, TYPE_STRINGS: left out when items is NULL. */
	bool may_be_absent;
	/*
	 * Limits of a number, of a text's length in code points, of the number
	 * of an array's items, of an arbitrary object's bytes as compact JSON.
	 * Both 0: no limit.  If max is below min there is no upper limit: a
	 * text is then only limited by the body's size.
	 */
	int64_t min, max;
	enum field_format format;
	const char *const *one_of; /* the allowed values, ended by NULL */
	/* The text that is read when a query parameter or header is absent. */
	const char *fallback;
	const struct schema *of;
	/*
	 * Not NULL (output, TYPE_STRING): the text is preformatted JSON members
	 * ("\"a\":1,\"b\":2", or ""), which are written into the object in
	 * place of this field.  `name` is then a regular expression for the
	 * names of these members, and `splice` is the JSON type of their
	 * values, or SPLICE_ANY.
	 */
	const char *splice;
	const char *doc;
};

#define SPLICE_ANY ""

#define FIELD(T, member, wire_name) \
	.name = (wire_name), .offset = offsetof(T, member),                    \
	.type = _Generic(((T *)0)->member, const char *: TYPE_STRING,          \
	    struct opt_string: TYPE_OPT_STRING, int64_t: TYPE_INT64,           \
	    bool: TYPE_BOOL, struct opt_bool: TYPE_OPT_BOOL, struct opt_int64: TYPE_OPT_INT64,                   \
	    struct strings: TYPE_STRINGS, const void *: TYPE_OBJECT,           \
	    struct objects: TYPE_OBJECTS, struct any_object: TYPE_ANY_OBJECT)

struct schema {
	/*
	 * The schema's name in components/schemas of the OpenAPI document;
	 * NULL: the schema is written inline.
	 */
	const char *name;
	size_t size; /* the size of the struct; 0: there is no schema */
	const struct field *fields; /* ended by a NULL name */
	bool refuse_unknown; /* unknown members of the body are errors */
	bool nullable; /* output: a handler may answer null (by req_answer) */
	/*
	 * Output: the response is an array.  `size` and `fields` describe an
	 * item, and out_struct is a struct objects.
	 */
	bool array;
};
#define SCHEMA(T, rows)                             \
	{                                           \
		.size = sizeof(T), .fields = (rows) \
	}
#define SCHEMA_NAMED(wire_name, T, rows)                                 \
	{                                                                \
		.name = (wire_name), .size = sizeof(T), .fields = (rows) \
	}

enum problem_kind {
	PROBLEM_MISSING, /* a required value is absent */
	PROBLEM_TYPE, /* the value has another JSON type than the row */
	PROBLEM_TOO_SMALL, /* the value or length is below the minimum */
	PROBLEM_TOO_LARGE,
	PROBLEM_FORMAT, /* the value is not in the row's format, or not in
	                   one_of */
	PROBLEM_UNKNOWN, /* no row has that name */
	PROBLEM_DUPLICATE, /* a parameter given twice */
	PROBLEM_RULE, /* the handler's own rule is broken; `message` says which
	               */
};

struct problem {
	enum problem_kind kind;
	enum field_from from;
	/* The field's name in JSON, "items[2].name"; "" for the body itself. */
	const char *name;
	const struct field *field; /* NULL for PROBLEM_UNKNOWN and for a problem
	                              of the body itself */
	/* The JSON type that was received: "number", "undefined", ... */
	const char *received;
	const char *message; /* an explanation for people */
};

enum { PROBLEMS_MAX = 16 };
struct problems {
	struct problem items[PROBLEMS_MAX];
	int count;
};

/* The sources of a request's values.  Any member may be NULL. */
struct schema_input {
	const struct json *body; /* NULL: the request has none */
	const char *query; /* the query string, not decoded */
	/*
	 * Returns the undecoded value of a path parameter or header; NULL when
	 * absent.
	 */
	const char *(*param)(void *ctx, enum field_from from, const char *name);
	void *param_ctx;
	/*
	 * The numbers of the body that are not integers, although the doubles
	 * that represent them may be.  NULL: not known; then no number with a
	 * fraction or exponent counts as an integer, not even 100.0.
	 */
	const struct json_inexact *body_inexact;
	/*
	 * Whether a query parameter is an error if neither a row nor more_query
	 * names it.
	 */
	bool refuse_unknown_query;
	const struct field *
	    more_query; /* further query parameters that are allowed; or NULL */
};

/*
 * An upper limit for the number of values, including names of members, in a
 * body of this schema, for json_read_bounded().
 */
size_t schema_values_max(const struct schema *s);

/*
 * Zeroes *ret_struct and fills it from the input.  ERR_INVALID: *ret_problems
 * names every field that failed, in the order of the rows.
 */
MUST_CHECK enum err schema_read(const struct schema *s, struct arena *a,
    const struct schema_input *input, void *ret_struct,
    struct problems *ret_problems);
/* Writes a struct as JSON; NULL is written as null. */
void schema_write(const struct schema *s, struct buf *b, const void *strukt);

/*
 * Writes the schema in the format JSON Schema 2020-12.  The schema is written
 * in full here even if it is named; named schemas within it are written as
 * references (#/components/schemas/NAME).  schema_openapi() is for input: it
 * describes only the fields that are read from `from`.  schema_openapi_out() is
 * for a response, and schema_openapi_field() for one field.
 */
void
schema_openapi(const struct schema *s, struct buf *b, enum field_from from);
void schema_openapi_out(const struct schema *s, struct buf *b);
void schema_openapi_field(const struct field *f, struct buf *b);

#endif

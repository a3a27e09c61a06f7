/*
 * schema: what a request may hold and what an answer holds, declared once as
 * rows that name a struct's members.  From the rows come the reading of JSON
 * bodies, query strings, path parameters and headers, the writing of answers,
 * and the OpenAPI document.
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
 * A member that a client may leave out, set, or set to null (PATCH).  `set`
 * tells the first from the others, a NULL `value` the last.
 */
struct opt_string {
	const char *value;
	bool set;
};
struct opt_bool {
	bool value;
	bool set;
};
struct opt_int64 {
	int64_t value;
	bool set;
};
struct strings {
	const char *const *items;
	size_t count;
};
/* Items are structs of the field's `of` schema, one after the other. */
struct objects {
	const void *items;
	size_t count;
	/* Out: the items as JSON with commas (page_write()); or NULL. */
	const char *text;
	size_t text_len;
};
/* A JSON object of any members. */
struct any_object {
	const struct json *value; /* in; NULL when absent */
	const char *text; /* in: the value, compactly; out: as it is; or NULL */
};

enum field_type {
	TYPE_STRING, /* const char *; NULL when absent */
	TYPE_OPT_STRING, /* struct opt_string */
	TYPE_INT64, /* int64_t */
	TYPE_BOOL, /* bool */
	TYPE_OPT_BOOL, /* struct opt_bool */
	TYPE_OPT_INT64, /* struct opt_int64 */
	/*
	 * struct strings; in a query, path or header out only.  Absent: items
	 * is NULL.
	 */
	TYPE_STRINGS,
	TYPE_OBJECT, /* const void * of the `of` schema; NULL; out only */
	TYPE_OBJECTS, /* struct objects; in from the body only */
	TYPE_ANY_OBJECT, /* struct any_object; in from the body only */
};

enum field_from { FROM_BODY, FROM_QUERY, FROM_PATH, FROM_HEADER };

enum field_format {
	FMT_NONE,
	FMT_UUID, /* lower-cased when read */
	FMT_DATE_TIME, /* RFC 3339; rewritten in UTC with milliseconds */
	FMT_LINE, /* no control characters, and something to be seen */
	FMT_EMAIL, /* OpenAPI only; the reader of it has the rules */
	FMT_URI, /* OpenAPI only */
	FMT_INTEGER, /* out only: of any size, and on the wire a number */
};

struct field {
	const char *name; /* on the wire */
	size_t offset;
	enum field_type type;
	enum field_from from; /* of what comes in */
	bool required;
	bool nullable; /* in: null is read as NULL; out: NULL writes null */
	/*
	 * Of a number, of a text's length in code points, of an array's items,
	 * of the bytes of any object as compact JSON.  0, 0 is no bound; a max
	 * below min, none above: such a text is bounded by the body's limit
	 * alone.
	 */
	int64_t min, max;
	enum field_format format;
	const char *const *one_of; /* ended by NULL */
	const char *fallback; /* text of an absent query parameter or header */
	const struct schema *of;
	/*
	 * Not NULL: out, TYPE_STRING, the text is preformatted JSON members
	 * that are put in the object's place of this field ("\"a\":1,\"b\":2");
	 * may be "".  `name` is then a regular expression of their names, and
	 * this their JSON type, or SPLICE_ANY.
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
	const char *name; /* in components/schemas; NULL to stay inline */
	size_t size; /* of the struct; 0: no schema */
	const struct field *fields; /* ended by a NULL name */
	bool refuse_unknown; /* unknown body members are errors */
	bool nullable; /* out: a handler may answer null (by req_answer) */
	/*
	 * Out: the answer is a bare array.  Size and rows are an item's, and
	 * the out_struct is a struct objects.
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
	PROBLEM_MISSING, /* required and absent */
	PROBLEM_TYPE, /* another JSON type than the row's */
	PROBLEM_TOO_SMALL, /* under min: value or length */
	PROBLEM_TOO_LARGE,
	PROBLEM_FORMAT, /* not of the row's format, or not one of its values */
	PROBLEM_UNKNOWN, /* not in the schema */
	PROBLEM_DUPLICATE, /* a parameter given twice */
	PROBLEM_RULE, /* a rule of the handler; `message` says which */
};

struct problem {
	enum problem_kind kind;
	enum field_from from;
	/* The field's wire name, "items[2].name"; "" for the body itself. */
	const char *name;
	const struct field *field; /* NULL for PROBLEM_UNKNOWN and the body */
	const char *received; /* JSON type seen: "number", "undefined", ... */
	const char *message; /* for people */
};

enum { PROBLEMS_MAX = 16 };
struct problems {
	struct problem items[PROBLEMS_MAX];
	int count;
};

/* Where a request's values are found.  Any member may be NULL. */
struct schema_input {
	const struct json *body; /* NULL: the request has none */
	const char *query; /* raw query string */
	/* The raw value of a path parameter or header; NULL when absent. */
	const char *(*param)(void *ctx, enum field_from from, const char *name);
	void *param_ctx;
	/*
	 * The body's numbers that are no integers, whatever their doubles.
	 * NULL: not known, so that 100.0 is none either.
	 */
	const struct json_inexact *body_inexact;
	/* A query parameter is an error that neither rows nor these name. */
	bool refuse_unknown_query;
	const struct field *more_query; /* or NULL */
};

/*
 * How many values, names of members included, a body of this schema has at
 * most, and some more: for json_read_bounded().
 */
size_t schema_values_max(const struct schema *s);

/*
 * Fills *ret_struct (zeroed first) from the input.  ERR_INVALID: see
 * *ret_problems, which names every field that failed, in the rows' order.
 */
MUST_CHECK enum err schema_read(const struct schema *s, struct arena *a,
    const struct schema_input *input, void *ret_struct,
    struct problems *ret_problems);
/* NULL is written as null. */
void schema_write(const struct schema *s, struct buf *b, const void *strukt);

/*
 * JSON Schema 2020-12.  A named schema is written in full here and referred to
 * (#/components/schemas/NAME) from within others.
 */
void schema_openapi(const struct schema *s, struct buf *b,
    enum field_from from); /* what comes in, of one place */
void schema_openapi_out(const struct schema *s, struct buf *b);
void schema_openapi_field(const struct field *f, struct buf *b);

#endif

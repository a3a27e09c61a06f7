/*
 * columns: the columns that plugins add to "user" and session, in SQL, in
 * bodies and in responses.
 *
 * Statements with them are composed once, at start, and live as long as the
 * process; so do the rows of the schemas.  A plugin that is off is in neither.
 */
#ifndef AUTH_COLUMNS_H
#define AUTH_COLUMNS_H

#include <stddef.h>

#include "auth/plugin.h"
#include "auth/plugin_set.h"
#include "base/attr.h"
#include "web/schema.h"

struct arena;
struct db_rows;
struct json;

/* Text that lives as long as the process. */
const char *columns_text(const char *fmt, ...) PRINTF(1, 2);

/* `, alias."role", ...`, in the order of columns_read(); "" without columns. */
const char *columns_select(const struct columns *columns, const char *alias);
/*
 * Their values in a row, from first_column on.  They live as long as the rows.
 */
const char *const *columns_read(const struct columns *columns,
    const struct db_rows *rows, int row, int first_column, struct arena *a);

/* The place for a column in the struct of a body or a response. */
struct column_slot {
	const char *text; /* out */
	struct opt_bool flag; /* out */
	struct opt_string in;
	struct opt_bool in_flag;
	struct opt_int64 in_number;
	struct strings in_strings; /* items NULL: absent, or null */
};

/*
 * Add rows after the last of `fields`, which has room for COLUMNS_MAX more: all
 * columns, for responses; those that a client may set, for bodies.  The struct
 * has COLUMNS_MAX slots for them at `offset`.
 */
void columns_add_out(
    const struct columns *columns, struct field *fields, size_t offset);
void columns_add_in(
    const struct columns *columns, struct field *fields, size_t offset);
void columns_fill(const struct columns *columns, const char *const *values,
    struct column_slot *slots);
/*
 * Copies the values that the body has set, unless they are set in `values`
 * already.  `body` tells null from an absent array.
 */
void columns_take(const struct columns *columns, struct arena *a,
    const struct json *body, const struct column_slot *slots,
    struct column_values *values);

/*
 * Whether JavaScript takes the value for true; NULL stands for undefined, which
 * is false.
 */
bool columns_is_truthy(const struct json *value);
/*
 * Returns the name of the first column in the body that clients may not set, or
 * NULL.  On creation, such a column is accepted if it has a fallback, and gets
 * the fallback instead.
 */
const char *columns_forbidden(
    const struct columns *columns, const struct json *body, bool creating);

/*
 * Returns the assignments of an UPDATE, `, "plan" = CASE WHEN $N ...`.  Each
 * column has two arguments, numbered from first_arg on.
 */
const char *columns_assign(const struct columns *columns, int first_arg);
/*
 * Appends the arguments of columns_assign() to args[0..nargs-1], and returns
 * the new number of arguments.
 */
int columns_assigned(const struct columns *columns,
    const struct column_values *values, const char **args, int nargs);

/*
 * `, "theme"` and `, 'dark'`: the columns that have a fallback, for an INSERT
 * ... SELECT, and their fallbacks.
 */
const char *columns_defaulted(const struct columns *columns);
const char *columns_defaults(const struct columns *columns);

#endif

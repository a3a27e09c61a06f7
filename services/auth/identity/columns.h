/*
 * columns: the columns that plugins add to "user" and session, in SQL, in
 * bodies and in answers.
 *
 * Statements with them are composed once, at start, and live with the process;
 * so are the rows of the schemas.  A plugin that is off is in neither.
 */
#ifndef AUTH_COLUMNS_H
#define AUTH_COLUMNS_H

#include <stddef.h>

#include "auth/plugin.h"
#include "auth/plugin_set.h"
#include "base/attr.h"
#include "web/schema.h"

struct db_rows;

/* Text that lives with the process. */
const char *columns_text(const char *fmt, ...) PRINTF(1, 2);

/* `, alias."role", ...`, as columns_read() reads them; "" without columns. */
const char *columns_select(const struct columns *columns, const char *alias);
/* Their values in a row, from first_column on.  Lives as long as the rows. */
const char *const *columns_read(const struct columns *columns,
    const struct db_rows *rows, int row, int first_column, struct arena *a);

/* A column's place in the struct of a body or of an answer. */
struct column_slot {
	const char *text; /* out */
	struct opt_bool flag; /* out */
	struct opt_string in;
};

/*
 * Add rows after the last of `fields`, which has room for COLUMNS_MAX more: of
 * all columns, for answers; of those that a client may set, for bodies.  The
 * struct has its slots, COLUMNS_MAX of them, at `offset`.
 */
void columns_add_out(
    const struct columns *columns, struct field *fields, size_t offset);
void columns_add_in(
    const struct columns *columns, struct field *fields, size_t offset);
void columns_fill(const struct columns *columns, const char *const *values,
    struct column_slot *slots);
/* What the body set; `values` may be set already, and then stays. */
void columns_take(const struct columns *columns,
    const struct column_slot *slots, struct column_values *values);

#endif

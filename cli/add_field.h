/*
 * add_field: one field of a new entity, as it is given on the command line:
 *
 *   NAME:TYPE[(LENGTH)][?][:RULE]...
 *
 * for example "title:text(200):line", "status:text:in=open,done", "due:date?"
 * or "count:integer:min=0:max=10".
 */
#ifndef CLI_ADD_FIELD_H
#define CLI_ADD_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#include "scaffold_name.h"

struct arena;
struct template_value;

enum { ADD_FIELDS_MAX = 32 };

enum add_field_type {
	ADD_FIELD_TEXT,
	ADD_FIELD_INTEGER,
	ADD_FIELD_BOOLEAN,
	ADD_FIELD_TIMESTAMP,
	ADD_FIELD_DATE,
	ADD_FIELD_UUID,
	ADD_FIELD_MONEY, /* an integer: the number of minor units */
	ADD_FIELD__MAX,
};

enum { ADD_FIELD_VALUES_MAX = 16 };

struct add_field {
	struct name name;
	enum add_field_type type;
	bool nullable;
	/* of a number; of a text's length in characters */
	int64_t min, max;
	bool line; /* a text without line breaks, and not blank */
	/* the texts that are allowed; nvalues is 0: any */
	const char *values[ADD_FIELD_VALUES_MAX];
	int nvalues;
};

/* False: the field cannot be read; an error that says why was printed. */
MUST_CHECK bool
add_field_read(struct arena *a, const char *text, struct add_field *ret_field);

/*
 * Returns what the templates of entities need to know of the field. `index` is
 * the number of fields before it.
 */
const struct template_value *add_field_values(struct arena *a,
    const struct name *entity, const struct add_field *f, int index);

/* The field as an argument of a statement; `in` is the struct. */
const char *add_field_argument(struct arena *a, const struct add_field *f);
/*
 * The C condition that a patch `p` leaves the field as it is, or that it sets
 * the field.
 */
const char *add_field_is_set(struct arena *a, const struct add_field *f);
const char *add_field_is_unset(struct arena *a, const struct add_field *f);
/* In C: a value for a patch, and the check that it is there. */
const char *add_field_patch(struct arena *a, const struct add_field *f);
const char *add_field_patch_check(struct arena *a, const struct add_field *f);
/* A member of a JSON body with a possible value. */
const char *add_field_json(struct arena *a, const struct add_field *f);

/* Whether the C type of the field is int64_t, or const char *. */
bool add_field_is_number(const struct add_field *f);
bool add_field_is_string(const struct add_field *f);

#endif

/*
 * config: the settings of a service, defined by one table and read from
 * environment variables only.
 *
 * The variable of a row is PREFIX_NAME (AUTH_DATABASE_URL).  Every problem is
 * reported, not only the first; secrets are never printed.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"

enum config_type { CONFIG_STRING, CONFIG_INT, CONFIG_BOOL };
enum { CONFIG_SECRET = 1, CONFIG_REQUIRED = 2 };

struct config_var {
	const char *name; /* without the prefix: "DATABASE_URL" */
	size_t offset;
	const char
	    *fallback; /* the default, written as in the variable; or NULL */
	/*
	 * Limits of a number (none if both are 0), or of a text's length in
	 * bytes (none if max is 0).
	 */
	int64_t min, max;
	enum config_type
	    type; /* const char *, int64_t or bool (written on or off) */
	unsigned flags;
	const char *unit; /* such as "ms" or "threads"; NULL for none */
	const char *doc; /* the description, in one or two sentences */
};

#define CONFIG(T, member, variable) \
	.name = (variable), .offset = offsetof(T, member),                     \
	.type = _Generic(((T *)0)->member, const char *: CONFIG_STRING,        \
	    int64_t: CONFIG_INT, bool: CONFIG_BOOL)

/*
 * Fills *config from the environment by the rows (ended by a NULL name).  Texts
 * point into the environment or the table.  Without variable and default, a
 * text is NULL, a number 0 and a switch off.  A number, a switch or a required
 * text whose variable is empty counts as not set.  Returns false when any row
 * fails; each failure is logged.
 */
MUST_CHECK bool
config_load(const char *prefix, const struct config_var *vars, void *config);
/*
 * Prints a markdown table of the rows: variable, default, unit, range, meaning.
 */
void config_print(FILE *out, const char *prefix, const struct config_var *vars);

#endif

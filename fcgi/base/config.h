/*
 * config: a service's settings, one table, from environment variables alone.
 *
 * A row's variable is PREFIX_NAME (AUTH_DATABASE_URL).  Every problem is
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
	const char *fallback; /* as the variable would be written; or NULL */
	/* Of a number, unless both are 0; of a text's bytes, if max is not. */
	int64_t min, max;
	enum config_type type; /* const char *, int64_t, bool (on|off) */
	unsigned flags;
	const char *unit; /* "ms", "threads"; NULL for none */
	const char *doc; /* one sentence or two */
};

#define CONFIG(T, member, variable) \
	.name = (variable), .offset = offsetof(T, member),                     \
	.type = _Generic(((T *)0)->member, const char *: CONFIG_STRING,        \
	    int64_t: CONFIG_INT, bool: CONFIG_BOOL)

/*
 * Fills *config by the rows (ended by a NULL name).  Texts point into the
 * environment or the table.  Without variable and fallback, a text is NULL, a
 * number 0 and a switch off.  A number or a switch whose variable is empty
 * counts as not set; so does a required text.  False when any row fails; each
 * is logged.
 */
MUST_CHECK bool
config_load(const char *prefix, const struct config_var *vars, void *config);
/* A markdown table of the rows: variable, default, unit, range, meaning. */
void config_print(FILE *out, const char *prefix, const struct config_var *vars);

#endif

/*
 * config: the settings of a service, declared in one table and read only from
 * environment variables.
 *
 * The name of an environment variable is the prefix of the service, "_" and the
 * name in the table, for example AUTH_DATABASE_URL.  All invalid variables are
 * reported, not only the first one; secrets are never printed.
 *
 * A variable marked CONFIG_SECRET may instead come from the file named by
 * NAME_FILE or from a systemd credential (base/secret.h).
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
	const char *name; /* without the service's prefix: "DATABASE_URL" */
	size_t offset;
	const char
	    *fallback; /* the default, written as in the environment; or NULL */
	/*
	 * The smallest and the largest allowed number (no limits if both are
	 * 0), or the shortest and the longest text in bytes (no limits if max
	 * is 0).
	 */
	int64_t min, max;
	enum config_type
	    type; /* the member's: const char *, int64_t, or bool (on, off) */
	unsigned flags;
	const char *unit; /* such as "ms" or "threads"; or NULL */
	const char *doc; /* one or two sentences for the documentation */
};

#define CONFIG(T, member, variable) \
	.name = (variable), .offset = offsetof(T, member),                     \
	.type = _Generic(((T *)0)->member, const char *: CONFIG_STRING,        \
	    int64_t: CONFIG_INT, bool: CONFIG_BOOL)

/*
 * Fills *config from the environment.  `vars` is the table; an entry with a
 * NULL name ends it.  Texts in *config point into the environment, the table,
 * or memory that stays allocated as long as the process runs.
 * If a variable is not set and has no default, a text is NULL, a number 0 and a
 * switch off.  A number, a switch or a required text whose variable is empty
 * counts as not set.  Returns false when any variable is invalid; each of these
 * is logged.
 */
MUST_CHECK bool
config_load(const char *prefix, const struct config_var *vars, void *config);
/*
 * Prints a markdown table of the variables: name, default, unit, range,
 * meaning.
 */
void config_print(FILE *out, const char *prefix, const struct config_var *vars);

#endif

/*
 * plugin_set: auth as it is composed at start: what it has in any case, and
 * what the plugins that are on add.
 */
#ifndef AUTH_PLUGIN_SET_H
#define AUTH_PLUGIN_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/plugin.h"
#include "base/attr.h"
#include "base/config.h"
#include "job/job.h"
#include "web/schema.h"

enum {
	PLUGINS_MAX = 48,
	PLUGIN_VARS_MAX = 48,
	PLUGIN_SCHEDULES_MAX = 32,
	PLUGIN_CONFIG_MAX_BYTES = 2048,
	PLUGIN_PROBLEM_MAX = 256,
};

struct columns {
	const struct auth_column *items[COLUMNS_MAX];
	size_t count;
};

struct plugin_set {
	const struct auth_plugin *all[PLUGINS_MAX]; /* on or off */
	size_t nall;
	size_t ncore; /* the first of them: auth's own parts, always on */
	const struct auth_plugin *on[PLUGINS_MAX];
	size_t non;

	const struct route *routes[PLUGINS_MAX + 1]; /* ended by NULL */
	struct columns user_columns, session_columns;
	const struct auth_claim *claims[CLAIMS_MORE_MAX];
	size_t nclaims;
	const struct job_kind *jobs[PLUGINS_MAX + 1]; /* ended by NULL */
	struct job_schedule schedules[PLUGIN_SCHEDULES_MAX + 1];
	struct config_var vars[PLUGIN_VARS_MAX + 1]; /* of on and off */
};

/*
 * `core` are the parts that auth has in any case; `all` are the plugins, of
 * which `names`, separated by commas, are to be on.  Both lists end with NULL.
 * Offsets of the plugins' variables begin at config_offset in the composed
 * table; those of the core stay.
 *
 * False: two claim the same name, path, column, member, claim, cookie, variable
 * or job, or the same refusal in other words; or a name is unknown or given
 * twice.  ret_problem says which, in a sentence.
 */
MUST_CHECK bool plugin_set_compose(struct plugin_set *set,
    const struct auth_plugin *const *core, const struct auth_plugin *const *all,
    const char *names, size_t config_offset,
    char ret_problem[PLUGIN_PROBLEM_MAX]);

/* Where a plugin's struct of variables begins after config_offset. */
size_t plugin_set_config_at(
    const struct plugin_set *set, const struct auth_plugin *plugin);

/* Of the composed columns, by its name on the wire; -1: there is none. */
int columns_find(const struct columns *columns, const char *name);

#endif

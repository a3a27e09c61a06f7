/*
 * plugin_set: auth as composed at start from its own parts and the plugins that
 * are on.
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
	size_t ncore; /* the first ones are auth's own parts, which are always
	                 on */
	const struct auth_plugin *on[PLUGINS_MAX];
	size_t non;

	const struct route *routes[PLUGINS_MAX + 1]; /* ended by NULL */
	struct columns user_columns, session_columns;
	const struct auth_claim *claims[CLAIMS_MORE_MAX];
	size_t nclaims;
	const struct job_kind *jobs[PLUGINS_MAX + 1]; /* ended by NULL */
	struct job_schedule schedules[PLUGIN_SCHEDULES_MAX + 1];
	struct config_var
	    vars[PLUGIN_VARS_MAX + 1]; /* of the plugins that are on and off */
};

/*
 * `core` are auth's own parts; `all` are the plugins, of which `names`,
 * separated by commas, are to be on.  Both lists end with NULL.  In the
 * composed table the offsets of the plugins' variables begin at config_offset;
 * those of auth are unchanged.
 *
 * Returns false when two claim the same name, path, column, member, claim,
 * cookie, variable or job, or the same refusal code with different texts; or
 * when a name is unknown or given twice.  *ret_problem says which, in a
 * sentence.
 */
MUST_CHECK bool plugin_set_compose(struct plugin_set *set,
    const struct auth_plugin *const *core, const struct auth_plugin *const *all,
    const char *names, size_t config_offset,
    char ret_problem[PLUGIN_PROBLEM_MAX]);

/*
 * The offset, after config_offset, of the struct of the plugin that declares
 * these variables.
 */
size_t plugin_set_config_at(
    const struct plugin_set *set, const struct config_var *vars);

/* The index of a composed column with that name in JSON; -1: there is none. */
int columns_find(const struct columns *columns, const char *name);

#endif

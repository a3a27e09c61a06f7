/*
 * plugin_set: auth as composed at start from its own parts and the plugins that
 * are on.
 */
#ifndef AUTH_PLUGIN_SET_H
#define AUTH_PLUGIN_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/plugin.h"
#include "auth/plugin_check.h"
#include "base/attr.h"
#include "base/config.h"
#include "job/job.h"
#include "web/schema.h"

enum {
	PLUGINS_MAX = 48,
	PLUGIN_VARS_MAX = 128,
	PLUGIN_SCHEDULES_MAX = 32,
	PLUGIN_CONFIG_MAX_BYTES = 4096,
};

struct columns {
	const struct auth_column *items[COLUMNS_MAX];
	size_t count;
};

struct plugin_set {
	const struct auth_plugin
	    *all[PLUGINS_MAX]; /* all plugins, enabled or not */
	size_t nall;
	size_t ncore; /* number of auth's own parts, which are always on; they
	                 are the first entries of `all` */
	const struct auth_plugin *on[PLUGINS_MAX];
	size_t non;

	const struct route *routes[PLUGINS_MAX + 1]; /* ended by NULL */
	struct columns user_columns, session_columns;
	const struct auth_claim *claims[CLAIMS_MORE_MAX];
	size_t nclaims;
	const struct job_kind *jobs[PLUGINS_MAX + 1]; /* ended by NULL */
	struct job_schedule schedules[PLUGIN_SCHEDULES_MAX + 1];
	/* the variables of all plugins, enabled or not */
	struct config_var vars[PLUGIN_VARS_MAX + 1];
};

/*
 * `core` are auth's own parts; `all` are the plugins, of which `names`,
 * separated by commas, are to be on.  Both lists end with NULL.  In the
 * composed table the offsets of the plugins' variables begin at config_offset;
 * those of auth are unchanged.
 *
 * Returns false when plugin_check_all() does, or when a name is unknown or
 * given twice.  *ret_problem says which, in a sentence.
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

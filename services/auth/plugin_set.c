#include "auth/plugin_set.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

#include "base/str.h"

/* A composition in progress, and the buffer for its error message. */
struct composition {
	struct plugin_set *set;
	char *problem;
};

static bool
has_room(struct composition *c, size_t n, size_t max, const char *what)
{
	return n < max ||
	       plugin_complain(c->problem, "more than %zu %s", max, what);
}

/* -- names -- */

static const struct auth_plugin *
find(const struct plugin_set *set, const char *name, size_t len)
{
	for (size_t i = 0; i < set->nall; i++) {
		const char *other = set->all[i]->name;

		if (strlen(other) == len && memcmp(other, name, len) == 0)
			return set->all[i];
	}
	return NULL;
}

static bool
is_core(const struct plugin_set *set, const struct auth_plugin *plugin)
{
	for (size_t i = 0; i < set->ncore; i++) {
		if (set->all[i] == plugin)
			return true;
	}
	return false;
}

static bool
take_all(struct composition *c, const struct auth_plugin *const *all)
{
	struct plugin_set *set = c->set;

	for (; *all != NULL; all++) {
		const char *name = (*all)->name;

		if (find(set, name, strlen(name)) != NULL)
			return plugin_complain(
			    c->problem, "two plugins have the name %s", name);
		if (!has_room(c, set->nall, PLUGINS_MAX, "plugins"))
			return false;
		set->all[set->nall++] = *all;
	}
	return true;
}

/* In the order of the table, whatever the order of the names is. */
static bool
take_on(struct composition *c, const char *names)
{
	struct plugin_set *set = c->set;
	bool wanted[PLUGINS_MAX] = { false };

	for (const char *at = names; *at != '\0';) {
		size_t len = strcspn(at, ", ");
		const struct auth_plugin *plugin = find(set, at, len);

		if (len > 0 && (plugin == NULL || is_core(set, plugin)))
			return plugin_complain(c->problem,
			    "AUTH_PLUGINS: there is no plugin \"%.*s\"",
			    (int)(len < 64 ? len : 64), at);
		for (size_t i = 0; len > 0 && i < set->nall; i++) {
			if (set->all[i] != plugin)
				continue;
			if (wanted[i])
				return plugin_complain(c->problem,
				    "AUTH_PLUGINS: %s is named twice",
				    plugin->name);
			wanted[i] = true;
		}
		at += len + (at[len] != '\0');
	}
	for (size_t i = 0; i < set->nall; i++) {
		if (wanted[i] || i < set->ncore)
			set->on[set->non++] = set->all[i];
	}
	return true;
}

/* -- composing -- */

static size_t
aligned(size_t size)
{
	return (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

static bool
add_vars(struct composition *c, const struct auth_plugin *plugin, size_t offset)
{
	struct plugin_set *set = c->set;
	size_t n = 0;

	while (set->vars[n].name != NULL)
		n++;
	for (const struct config_var *var = plugin->vars;
	     var != NULL && var->name != NULL; var++) {
		if (!has_room(c, n, PLUGIN_VARS_MAX, "variables"))
			return false;
		set->vars[n] = *var;
		set->vars[n++].offset += offset;
	}
	return true;
}

size_t
plugin_set_config_at(
    const struct plugin_set *set, const struct config_var *vars)
{
	size_t at = 0, i = set->ncore;

	for (; i < set->nall && set->all[i]->vars != vars; i++)
		at += aligned(set->all[i]->config_size);
	assert(i < set->nall);
	return at;
}

static bool
add_all_vars(struct composition *c, size_t config_offset)
{
	const struct plugin_set *set = c->set;
	size_t at = 0;

	for (size_t i = 0; i < set->ncore; i++) {
		if (!add_vars(c, set->all[i], 0))
			return false;
	}
	for (size_t i = set->ncore; i < set->nall; i++) {
		const struct auth_plugin *plugin = set->all[i];

		if (at + plugin->config_size > PLUGIN_CONFIG_MAX_BYTES)
			return plugin_complain(c->problem,
			    "the variables of all plugins are more than"
			    " %d bytes",
			    PLUGIN_CONFIG_MAX_BYTES);
		if (!add_vars(c, plugin, config_offset + at))
			return false;
		at += aligned(plugin->config_size);
	}
	return true;
}

static bool
add_columns(struct composition *c, struct columns *to,
    const struct auth_column *columns)
{
	for (; columns != NULL && columns->column != NULL; columns++) {
		if (!has_room(c, to->count, COLUMNS_MAX, "columns"))
			return false;
		to->items[to->count++] = columns;
	}
	return true;
}

static bool
add_claims(struct composition *c, const struct auth_claim *claims)
{
	struct plugin_set *set = c->set;

	for (; claims != NULL && claims->name != NULL; claims++) {
		if (!has_room(c, set->nclaims, CLAIMS_MORE_MAX, "claims"))
			return false;
		set->claims[set->nclaims++] = claims;
	}
	return true;
}

static bool
add_schedules(struct composition *c, const struct job_schedule *schedules)
{
	struct plugin_set *set = c->set;
	size_t n = 0;

	while (set->schedules[n].name != NULL)
		n++;
	for (; schedules != NULL && schedules->name != NULL; schedules++) {
		if (!has_room(c, n, PLUGIN_SCHEDULES_MAX, "schedules"))
			return false;
		set->schedules[n++] = *schedules;
	}
	return true;
}

/*
 * Adds the plugin's routes and jobs to the set.  A plugin has at most one list
 * of routes and one of jobs, so set->routes and set->jobs have room for them.
 */
static void
add_lists(struct plugin_set *set, const struct auth_plugin *plugin)
{
	size_t n = 0;

	while (set->routes[n] != NULL)
		n++;
	if (plugin->routes != NULL)
		set->routes[n] = plugin->routes;
	for (n = 0; set->jobs[n] != NULL;)
		n++;
	if (plugin->jobs != NULL)
		set->jobs[n] = plugin->jobs;
}

static bool
add(struct composition *c, const struct auth_plugin *plugin)
{
	struct plugin_set *set = c->set;

	add_lists(set, plugin);
	return add_columns(c, &set->user_columns, plugin->user_columns) &&
	       add_columns(c, &set->session_columns, plugin->session_columns) &&
	       add_claims(c, plugin->claims) &&
	       add_schedules(c, plugin->schedules);
}

bool
plugin_set_compose(struct plugin_set *set,
    const struct auth_plugin *const *core, const struct auth_plugin *const *all,
    const char *names, size_t config_offset,
    char ret_problem[PLUGIN_PROBLEM_MAX])
{
	struct composition c = { .set = set, .problem = ret_problem };

	memset(set, 0, sizeof(*set));
	ret_problem[0] = '\0';
	if (!take_all(&c, core))
		return false;
	set->ncore = set->nall;
	if (!take_all(&c, all) || !take_on(&c, names) ||
	    !plugin_check_all(set->all, set->nall, set->ncore, ret_problem) ||
	    !add_all_vars(&c, config_offset))
		return false;
	for (size_t i = 0; i < set->non; i++) {
		if (!add(&c, set->on[i]))
			return false;
	}
	return true;
}

int
columns_find(const struct columns *columns, const char *name)
{
	for (size_t i = 0; i < columns->count; i++) {
		if (str_eq(columns->items[i]->name, name))
			return (int)i;
	}
	return -1;
}

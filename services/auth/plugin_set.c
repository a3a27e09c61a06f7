#include "auth/plugin_set.h"

#include <assert.h>
#include <ctype.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "auth/http/refusal.h"
#include "base/attr.h"
#include "base/str.h"
#include "job/job_routes.h"
#include "job/webhook_routes.h"
#include "web/service.h"

/* A composition in progress, and the buffer for its error message. */
struct composition {
	struct plugin_set *set;
	char *problem;
};

static bool complain(struct composition *c, const char *fmt, ...) PRINTF(2, 3);

/* Always returns false, for `return complain(...)`. */
static bool
complain(struct composition *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(c->problem, PLUGIN_PROBLEM_MAX, fmt, args);
	va_end(args);
	return false;
}

static bool
complain_of_two(struct composition *c, const char *what, const char *name,
    const struct auth_plugin *one, const struct auth_plugin *other)
{
	return complain(c, "the plugins %s and %s both have the %s %s",
	    one->name, other->name, what, name);
}

static bool
has_room(struct composition *c, size_t n, size_t max, const char *what)
{
	return n < max || complain(c, "more than %zu %s", max, what);
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
			return complain(
			    c, "two plugins have the name %s", name);
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
			return complain(c,
			    "AUTH_PLUGINS: there is no plugin \"%.*s\"",
			    (int)(len < 64 ? len : 64), at);
		for (size_t i = 0; len > 0 && i < set->nall; i++) {
			if (set->all[i] != plugin)
				continue;
			if (wanted[i])
				return complain(c,
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

/* -- what two may not both have -- */

/* {id} and {name} match the same paths. */
static bool
is_same_path(const char *a, const char *b)
{
	for (; *a != '\0' && *a == *b; a++, b++) {
		if (*a == '{') {
			a += strcspn(a, "}");
			b += strcspn(b, "}");
		}
	}
	return *a == *b;
}

static const struct route *
find_route(const struct route *list, const struct route *row)
{
	for (; list != NULL && list->method != NULL; list++) {
		if (list != row && str_eq(list->method, row->method) &&
		    is_same_path(list->path, row->path))
			return list;
	}
	return NULL;
}

static bool
check_route(struct composition *c, const struct auth_plugin *plugin,
    const struct route *row)
{
	static const struct auth_plugin jobs = { .name = "jobs" };

	if (find_route(job_routes, row) != NULL ||
	    find_route(webhook_routes, row) != NULL)
		return complain_of_two(c, "path", row->path, &jobs, plugin);
	return true;
}

static bool
is_same_refusal(const struct refusal *a, const struct refusal *b)
{
	return a->err == b->err && str_eq(a->message, b->message);
}

/* Returns a plugin's names of one kind, one after the other; NULL: no more. */
typedef const char *name_at(const struct auth_plugin *plugin, size_t i);

static const char *
cookie_at(const struct auth_plugin *plugin, size_t i)
{
	return plugin->cookies != NULL ? plugin->cookies[i].name : NULL;
}

static const char *
var_at(const struct auth_plugin *plugin, size_t i)
{
	return plugin->vars != NULL ? plugin->vars[i].name : NULL;
}

static const char *
job_at(const struct auth_plugin *plugin, size_t i)
{
	return plugin->jobs != NULL ? plugin->jobs[i].name : NULL;
}

static const char *
schedule_at(const struct auth_plugin *plugin, size_t i)
{
	return plugin->schedules != NULL ? plugin->schedules[i].name : NULL;
}

static const char *
claim_at(const struct auth_plugin *plugin, size_t i)
{
	return plugin->claims != NULL ? plugin->claims[i].name : NULL;
}

static const char *
user_column_at(const struct auth_plugin *plugin, size_t i)
{
	return plugin->user_columns != NULL ? plugin->user_columns[i].column
	                                    : NULL;
}

static const char *
user_member_at(const struct auth_plugin *plugin, size_t i)
{
	return user_column_at(plugin, i) != NULL ? plugin->user_columns[i].name
	                                         : NULL;
}

static const char *
session_column_at(const struct auth_plugin *plugin, size_t i)
{
	return plugin->session_columns != NULL
	           ? plugin->session_columns[i].column
	           : NULL;
}

static const char *
session_member_at(const struct auth_plugin *plugin, size_t i)
{
	return session_column_at(plugin, i) != NULL
	           ? plugin->session_columns[i].name
	           : NULL;
}

static const struct name_kind {
	const char *what;
	name_at *at;
} name_kinds[] = {
	{ "cookie", cookie_at },
	{ "variable", var_at },
	{ "job", job_at },
	{ "schedule", schedule_at },
	{ "claim", claim_at },
	{ "column of \"user\"", user_column_at },
	{ "member of the user", user_member_at },
	{ "column of session", session_column_at },
	{ "member of the session", session_member_at },
};

static bool
check_names(struct composition *c, const struct auth_plugin *one,
    const struct auth_plugin *other)
{
	for (size_t k = 0; k < COUNT_OF(name_kinds); k++) {
		name_at *at = name_kinds[k].at;
		const char *a, *b;

		for (size_t i = 0; (a = at(one, i)) != NULL; i++) {
			for (size_t j = 0; (b = at(other, j)) != NULL; j++) {
				if ((one != other || i != j) && str_eq(a, b))
					return complain_of_two(c,
					    name_kinds[k].what, a, one, other);
			}
		}
	}
	return true;
}

static bool
check_refusals(struct composition *c, const struct auth_plugin *one,
    const struct auth_plugin *other)
{
	const struct refusal *a = one->refusals, *b;

	for (; a != NULL && a->code != NULL; a++) {
		b = other->refusals;
		for (; b != NULL && b->code != NULL; b++) {
			/*
			 * A few refusals of auth itself have only a sentence.
			 */
			if (*a->code != '\0' && str_eq(a->code, b->code) &&
			    !is_same_refusal(a, b))
				return complain_of_two(
				    c, "refusal", a->code, one, other);
		}
	}
	return true;
}

static bool
check_pair(struct composition *c, const struct auth_plugin *one,
    const struct auth_plugin *other)
{
	const struct route *row = one->routes;

	for (; row != NULL && row->method != NULL; row++) {
		if (find_route(other->routes, row) != NULL)
			return complain_of_two(
			    c, "path", row->path, one, other);
	}
	return check_names(c, one, other) && check_refusals(c, one, other);
}

/* A member of the user or session object that does not come from a plugin. */
static bool
is_core_member(const char *name, bool of_session)
{
	static const char *const user[] = { "id", "name", "email",
		"emailVerified", "image", "createdAt", "updatedAt",
		"password" };
	static const char *const session[] = { "id", "expiresAt", "token",
		"createdAt", "updatedAt", "ipAddress", "userAgent", "userId" };
	const char *const *names = of_session ? session : user;

	for (size_t i = 0; i < COUNT_OF(user); i++) {
		if (str_eq(names[i], name))
			return true;
	}
	return false;
}

static bool
check_columns(struct composition *c, const struct auth_plugin *plugin,
    const struct auth_column *columns, bool of_session)
{
	for (; columns != NULL && columns->column != NULL; columns++) {
		if (is_core_member(columns->column, of_session) ||
		    is_core_member(columns->name, of_session))
			return complain(c,
			    "the plugin %s has the column %s, which BetterAuth"
			    " has itself",
			    plugin->name, columns->column);
		if (columns->from_client && columns->type != COLUMN_TEXT)
			return complain(c,
			    "the plugin %s: a client may set the column %s,"
			    " which is no text",
			    plugin->name, columns->column);
	}
	return true;
}

/*
 * A variable such as USERNAME_MIN of the plugin username: it cannot have the
 * name of one of auth's own.
 */
static bool
is_own_var(const struct auth_plugin *plugin, const char *var)
{
	const char *name = plugin->name;

	for (; *name != '\0'; name++, var++) {
		char want =
		    (char)(*name == '-' ? '_' : toupper((unsigned char)*name));

		if (*var != want)
			return false;
	}
	return *var == '_';
}

static bool
check_plugin(struct composition *c, const struct auth_plugin *plugin)
{
	const struct route *row = plugin->routes;
	const char *var;

	for (; row != NULL && row->method != NULL; row++) {
		if (!check_route(c, plugin, row))
			return false;
	}
	for (size_t i = 0; (var = var_at(plugin, i)) != NULL; i++) {
		if (!is_core(c->set, plugin) && !is_own_var(plugin, var))
			return complain(c,
			    "the variable %s of the plugin %s does not begin"
			    " with its name",
			    var, plugin->name);
	}
	return check_columns(
		   c, plugin, plugin->user_columns, /* of_session= */ false) &&
	       check_columns(
		   c, plugin, plugin->session_columns, /* of_session= */ true);
}

static bool
check_all(struct composition *c)
{
	const struct plugin_set *set = c->set;

	for (size_t i = 0; i < set->nall; i++) {
		if (!check_plugin(c, set->all[i]))
			return false;
		for (size_t j = 0; j <= i; j++) {
			if (!check_pair(c, set->all[j], set->all[i]))
				return false;
		}
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
	for (size_t i = 0; var_at(plugin, i) != NULL; i++) {
		if (!has_room(c, n, PLUGIN_VARS_MAX, "variables"))
			return false;
		set->vars[n] = plugin->vars[i];
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
			return complain(c,
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
	if (!take_all(&c, all) || !take_on(&c, names) || !check_all(&c) ||
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

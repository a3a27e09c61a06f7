#include "auth/plugin_check.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "auth/http/refusal.h"
#include "base/attr.h"
#include "base/config.h"
#include "base/str.h"
#include "job/job.h"
#include "job/job_routes.h"
#include "job/webhook_routes.h"
#include "web/service.h"

bool
plugin_complain(char problem[PLUGIN_PROBLEM_MAX], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(problem, PLUGIN_PROBLEM_MAX, fmt, args);
	va_end(args);
	return false;
}

static bool
complain_of_two(char *problem, const char *what, const char *name,
    const struct auth_plugin *one, const struct auth_plugin *other)
{
	return plugin_complain(problem,
	    "the plugins %s and %s both have the %s %s", one->name, other->name,
	    what, name);
}

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
check_route(
    char *problem, const struct auth_plugin *plugin, const struct route *row)
{
	static const struct auth_plugin jobs = { .name = "jobs" };

	if (find_route(job_routes, row) != NULL ||
	    find_route(webhook_routes, row) != NULL)
		return complain_of_two(
		    problem, "path", row->path, &jobs, plugin);
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
check_names(char *problem, const struct auth_plugin *one,
    const struct auth_plugin *other)
{
	for (size_t k = 0; k < COUNT_OF(name_kinds); k++) {
		name_at *at = name_kinds[k].at;
		const char *a, *b;

		for (size_t i = 0; (a = at(one, i)) != NULL; i++) {
			for (size_t j = 0; (b = at(other, j)) != NULL; j++) {
				if ((one != other || i != j) && str_eq(a, b))
					return complain_of_two(problem,
					    name_kinds[k].what, a, one, other);
			}
		}
	}
	return true;
}

static bool
check_refusals(char *problem, const struct auth_plugin *one,
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
				    problem, "refusal", a->code, one, other);
		}
	}
	return true;
}

static bool
check_pair(char *problem, const struct auth_plugin *one,
    const struct auth_plugin *other)
{
	const struct route *row = one->routes;

	for (; row != NULL && row->method != NULL; row++) {
		if (find_route(other->routes, row) != NULL)
			return complain_of_two(
			    problem, "path", row->path, one, other);
	}
	return check_names(problem, one, other) &&
	       check_refusals(problem, one, other);
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
check_columns(char *problem, const struct auth_plugin *plugin,
    const struct auth_column *columns, bool of_session)
{
	for (; columns != NULL && columns->column != NULL; columns++) {
		if (is_core_member(columns->column, of_session) ||
		    is_core_member(columns->name, of_session))
			return plugin_complain(problem,
			    "the plugin %s has the column %s, which BetterAuth"
			    " has itself",
			    plugin->name, columns->column);
	}
	return true;
}

/*
 * A variable such as USERNAME_MIN of the plugin username, or USERNAME alone: it
 * cannot have the name of one of auth's own.
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
	return *var == '_' || *var == '\0';
}

static bool
check_plugin(char *problem, const struct auth_plugin *plugin, bool is_core)
{
	const struct route *row = plugin->routes;
	const char *var;

	for (; row != NULL && row->method != NULL; row++) {
		if (!check_route(problem, plugin, row))
			return false;
	}
	for (size_t i = 0; (var = var_at(plugin, i)) != NULL; i++) {
		if (!is_core && !is_own_var(plugin, var))
			return plugin_complain(problem,
			    "the variable %s of the plugin %s does not begin"
			    " with its name",
			    var, plugin->name);
	}
	return check_columns(problem, plugin, plugin->user_columns,
		   /* of_session= */ false) &&
	       check_columns(problem, plugin, plugin->session_columns,
		   /* of_session= */ true);
}

bool
plugin_check_all(const struct auth_plugin *const *all, size_t nall,
    size_t ncore, char ret_problem[PLUGIN_PROBLEM_MAX])
{
	for (size_t i = 0; i < nall; i++) {
		if (!check_plugin(ret_problem, all[i],
			/* is_core= */ i < ncore))
			return false;
		for (size_t j = 0; j <= i; j++) {
			if (!check_pair(ret_problem, all[j], all[i]))
				return false;
		}
	}
	return true;
}

#include "adopt_check.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "web/origin.h"

#include "adopt_find.h"
#include "adopt_look.h"
#include "command.h"
#include "file.h"
#include "stack.h"

#define FIELDS "AUTH_ADDITIONAL_FIELDS"

enum { READ_TIMEOUT_MS = 10000 };

/* -- the address -- */

const char *
adopt_check_url(const struct adopt_facts *f, const char *name, const char *url,
    struct adopt_findings *found)
{
	char origin[ORIGIN_MAX];
	const char *authority, *path;
	size_t len;

	if (!origin_of(url, origin)) {
		adopt_add(found, ADOPT_STOP,
		    "write it as https://app.example.com",
		    arena_printf(
			f->arena, "%s is no address with http or https", name));
		return NULL;
	}
	authority = strstr(url, "://") + strlen("://");
	path = authority + strcspn(authority, "/?#");
	len = strcspn(path, "?#");
	while (len > 0 && path[len - 1] == '/')
		len--;
	if (len == 0 ||
	    (len == strlen("/api/auth") && str_has_prefix(path, "/api/auth")))
		return arena_strdup(f->arena, origin);
	adopt_add(found, ADOPT_STOP,
	    "move BetterAuth to /api/auth first (its option basePath and the "
	    "baseURL of the clients), and set the variable without a path",
	    arena_printf(f->arena,
		"%s has the path %.*s: it is BetterAuth's base path, and auth "
		"answers under /api/auth only",
		name, (int)len, path));
	return NULL;
}

/* -- the fields -- */

struct reader {
	const struct adopt_facts *f;
	struct adopt_findings *found;
	const char *table;
};

static bool
is_false(const struct json *j)
{
	return j != NULL && json_kind(j) == JSON_KIND_BOOL && !json_get_bool(j);
}

static bool
is_fraction(const char *type)
{
	return str_eq(type, "real") || str_eq(type, "double precision") ||
	       str_has_prefix(type, "numeric");
}

/* Auth has read the value, so that it has the right form. */
static void
check_field(void *ctx, const char *name, const struct json *field)
{
	struct reader *rd = ctx;
	struct arena *a = rd->f->arena;
	const char *column = json_member_string(field, "fieldName");
	const char *type = json_member_string(field, "type");
	const struct adopt_column *c;
	const char *fit;

	if (column == NULL)
		column = name;
	c = adopt_find_column(rd->f, rd->table, column);
	if (c == NULL) {
		adopt_add(rd->found, ADOPT_STOP,
		    "write the name as the table has it (the key fieldName "
		    "names a column that is called otherwise), or leave the "
		    "field out",
		    arena_printf(a,
			FIELDS " has the field %s.%s, and the table has no "
			       "column %s",
			rd->table, name, column));
		return;
	}
	fit = adopt_field_type(c->type);
	if (fit == NULL || type == NULL || !str_eq(fit, type))
		adopt_add(rd->found, ADOPT_STOP,
		    fit == NULL ? "leave the field out: auth has no type for it"
				: arena_printf(a, "write \"type\":\"%s\"", fit),
		    arena_printf(a,
			FIELDS " says that %s.%s is of the type %s, and the "
			       "column is of the type %s",
			rd->table, name, type != NULL ? type : "", c->type));
	else if (is_fraction(c->type) && !is_false(json_member(field, "input")))
		adopt_add(rd->found, ADOPT_STOP, "write \"input\":false",
		    arena_printf(a,
			FIELDS " lets clients set %s.%s, which is of the type "
			       "%s: auth takes whole numbers only",
			rd->table, name, c->type));
}

static void
check_model(void *ctx, const char *model, const struct json *fields)
{
	struct reader *rd = ctx;

	rd->table = arena_strdup(rd->f->arena, model);
	json_each(fields, check_field, rd);
}

static void
check_fields(const struct adopt_facts *f, struct adopt_findings *found)
{
	const char *value = getenv(FIELDS);
	struct reader rd = { .f = f, .found = found };
	struct json_read_result result;
	const struct json *json;

	if (value != NULL && *value == '/')
		value = file_find(f->arena, value, /* ret_len= */ NULL);
	if (value == NULL || *value == '\0')
		return;
	json = json_read_bounded(
	    f->arena, value, strlen(value), JSON_VALUES_MAX, &result);
	if (json != NULL && json_kind(json) == JSON_KIND_OBJECT)
		json_each(json, check_model, &rd);
}

/* -- the service -- */

/* Adds what the service logs; each line is an object. */
static void
add_problems(struct arena *a, const char *output, struct adopt_findings *found)
{
	char *at = arena_strdup(a, output), *line;
	const struct json *json;
	struct json_read_result result;
	const char *variable, *problem;

	while ((line = strsep(&at, "\n")) != NULL) {
		json = json_read_bounded(
		    a, line, strlen(line), JSON_VALUES_MAX, &result);
		if (json == NULL || json_kind(json) != JSON_KIND_OBJECT)
			continue;
		variable = json_member_string(json, "variable");
		problem = json_member_string(json, "problem");
		if (problem != NULL)
			adopt_add(found, ADOPT_STOP,
			    "docs/COMPATIBILITY.md shows how it is written",
			    arena_printf(a, "%s: %s",
				variable != NULL ? variable : "AUTH_PLUGINS",
				problem));
	}
}

void
adopt_check_settings(const struct stack *s, const struct adopt_facts *f,
    struct adopt_findings *found)
{
	struct arena *a = f->arena;
	const char *const argv[] = { arena_printf(a, "%s/%s", s->bin,
					 s->spec.verifier->name),
		"--config", NULL };
	const struct command command = {
		.argv = argv,
		.joins_errors = true,
		.timeout_ms = READ_TIMEOUT_MS,
	};
	int before = found->count;
	const char *output;
	int status = command_run(a, &command, &output);

	if (status == 0) {
		check_fields(f, found);
		return;
	}
	if (status > 0)
		add_problems(a, output, found);
	if (found->count == before)
		adopt_add(found, ADOPT_STOP,
		    arena_printf(a, "run \"%s --config\"", argv[0]),
		    "auth cannot read its settings");
}

/* -- the connection string -- */

const char *
adopt_check_prisma(const char *url)
{
	static const char *const names[] = { "schema", "pgbouncer",
		"connection_limit", "pool_timeout", "socket_timeout",
		"statement_cache_size", "sslaccept", "sslidentity" };
	const char *at = strrchr(url, '?');
	size_t len;

	while (at != NULL) {
		at++;
		for (size_t i = 0; i < COUNT_OF(names); i++) {
			len = strlen(names[i]);
			if (strncmp(at, names[i], len) == 0 && at[len] == '=')
				return names[i];
		}
		at = strchr(at, '&');
	}
	return NULL;
}

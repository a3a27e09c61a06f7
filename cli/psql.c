#include "psql.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"
#include "db/db_url.h"

#include "connections.h"
#include "database_url.h"
#include "environment.h"
#include "message.h"
#include "options.h"
#include "service_named.h"
#include "settings.h"
#include "stack.h"
#include "tool.h"

static const char *
owner_url(const struct stack *s, const struct spec_service *service)
{
	const char *url = getenv(
	    arena_printf(s->arena, "%s_MIGRATION_URL", service->variable));

	if (url != NULL)
		return url;
	if (s->is_system)
		return database_owner_url(s, service);
	return connections_url(s,
	    arena_printf(s->arena, "%s_owner", service->name),
	    /* password= */ NULL, service->name);
}

static void
set_variable(void *ctx UNUSED, const char *name, const char *value)
{
	if (setenv(name, value, /* overwrite= */ 1) == -1)
		abort();
}

/* `args` are for psql, and end with NULL. */
static int
run(const struct stack *s, const char *url, int nargs, char *const *args)
{
	const char *psql = tool_find(s->arena, "psql");
	const char *problem = db_url_problem(url);
	char **argv =
	    arena_alloc(s->arena, ((size_t)nargs + 2) * sizeof(*argv));

	if (psql == NULL)
		return 1;
	if (problem != NULL) {
		print_error("the connection string is wrong: %s", problem);
		return 1;
	}
	db_url_each_variable(url, set_variable, NULL);
	argv[0] = arena_strdup(s->arena, "psql");
	memcpy(argv + 1, args, (size_t)nargs * sizeof(*argv));
	execv(psql, argv);
	print_error("cannot run %s: %s", psql, strerror(errno));
	return 1;
}

/*
 * On a server, PostgreSQL knows root as "postgres" and as the owners, and only
 * a service's unix user as its role. So the session takes on that role.
 */
static const char *
role_url(const struct stack *s, const struct spec_service *service)
{
	if (!s->is_system)
		return environment_value(s, service,
		    arena_printf(
			s->arena, "%s_DATABASE_URL", service->variable));
	set_variable(/* ctx= */ NULL, "PGOPTIONS",
	    arena_printf(s->arena, "-c role=%s", service->name));
	return database_admin_url(s, service, service->name);
}

static int
find_and_run(const struct stack *s, const struct options *o)
{
	const struct spec_service *service =
	    service_named(&s->spec, o->args[0]);
	const char *url;

	if (service == NULL)
		return OPTIONS_USAGE;
	if (!service->needs_postgres) {
		print_error("%s has no database", o->args[0]);
		return OPTIONS_USAGE;
	}
	url = o->owner ? owner_url(s, service) : role_url(s, service);
	if (url == NULL) {
		print_error("%s has no %s_DATABASE_URL; \"kedge %s\" makes it",
		    service->name, service->variable,
		    s->is_system ? "apply" : "up");
		return 1;
	}
	return run(s, url, o->nargs - 1, o->args + 1);
}

int
psql_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct options options;
	struct stack s;
	int status = OPTIONS_USAGE;

	if (options_read(&options, argc, argv,
		OPTIONS_DIR | OPTIONS_OWNER | OPTIONS_SYSTEM, argc)) {
		if (options.nargs == 0)
			print_error(
			    "psql needs a service; see \"kedge psql --help\"");
		else
			status = stack_open_either(
				     &s, a, options.dir, options.system) &&
			                 (s.is_system ||
					     (stack_enter(&s) &&
						 settings_load(a, &s.spec)))
			             ? find_and_run(&s, &options)
			             : 1;
	}
	arena_free(a);
	return status;
}

#include "upgrade.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "db/db_script.h"

#include "command.h"
#include "database_url.h"
#include "env_file.h"
#include "file.h"
#include "message.h"
#include "migrate.h"
#include "migration_file.h"
#include "options.h"
#include "settings.h"
#include "stack.h"
#include "variable_list.h"

/* The check of one service's database. */
struct check {
	const struct stack *stack;
	const struct spec_service *service;
	const char *copy; /* name of the empty copy */
	struct db_script
	    *script; /* connected to the copy; NULL: not made yet */
	const char *tables; /* that the copy had before all migrations */
	struct db_script *real; /* connected to the database itself */
	int pending;
};

static bool
print_problem(const struct check *c, struct db_script *script)
{
	print_error("%s: %s", c->service->name, db_script_problem(script));
	return false;
}

static struct db_script *
connect_to(const struct check *c, const char *url)
{
	struct db_script *script;
	const char *problem;

	if (url == NULL)
		return NULL;
	if (db_script_open(c->stack->arena, url, &script, &problem) == ERR_OK)
		return script;
	print_error("%s: %s", c->service->name, problem);
	return NULL;
}

/* -- the empty copy -- */

static bool
run_as_admin(const struct check *c, const char *format_sql, struct db_args args)
{
	struct db_script *admin = connect_to(
	    c, database_admin_url(c->stack, c->service, /* database= */ NULL));
	struct db_rows rows;
	bool ok;

	if (admin == NULL)
		return false;
	ok = (db_script_query(
		  admin, c->stack->arena, format_sql, args, &rows) == ERR_OK &&
		 db_script_run(admin, db_get_text(&rows, 0, 0)) == ERR_OK) ||
	     print_problem(c, admin);
	db_script_close(admin);
	return ok;
}

static bool
drop_copy(const struct check *c)
{
	return run_as_admin(c,
	    "SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)',"
	    " $1::text)",
	    DB_ARGS(c->copy));
}

/* Copies the schema of the database, without its rows. */
static bool
fill_copy(const struct check *c)
{
	struct arena *a = c->stack->arena;
	const char *const dump[] = { "pg_dump", "--schema-only",
		"--format=plain", "--no-password", NULL };
	const char *const load[] = { "psql", "-Xq", "-v", "ON_ERROR_STOP=1",
		NULL };
	const char *sql;

	return command_check(a,
		   &(struct command){ .argv = dump,
		       .url = database_owner_url(c->stack, c->service) },
		   &sql) &&
	       command_check(a,
		   &(struct command){ .argv = load,
		       .input = sql,
		       .quiet = false,
		       .url =
			   database_admin_url(c->stack, c->service, c->copy) },
		   &sql);
}

static bool
make_copy(struct check *c)
{
	struct arena *a = c->stack->arena;
	const char *owner = arena_printf(a, "%s_owner", c->service->name);

	if (!drop_copy(c) ||
	    !run_as_admin(c,
		"SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0"
		" ENCODING ''UTF8''', $1::text, $2::text)",
		DB_ARGS(c->copy, owner)) ||
	    !fill_copy(c))
		return false;
	/*
	 * A server may let the owner into the service's own database only, so
	 * the administrator becomes the owner.
	 */
	c->script =
	    connect_to(c, database_admin_url(c->stack, c->service, c->copy));
	return c->script != NULL &&
	       (db_script_run(
		    c->script, arena_printf(a,
				   "SET ROLE %s; SET kedge.service = '%s';"
				   " SET search_path = public, pg_temp",
				   owner, c->service->name)) == ERR_OK ||
		   print_problem(c, c->script));
}

/* -- the migrations -- */

static const char tables_sql[] =
    "SELECT coalesce(array_agg(oid), '{}')::text FROM pg_class"
    " WHERE relkind IN ('r', 'p')";

/*
 * The locks of this transaction that are stronger than those of reading and
 * writing, on the tables $1.
 */
static const char locks_sql[] =
    "SELECT format('%I.%I', n.nspname, c.relname), min(l.mode)"
    " FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation"
    " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation'"
    " AND c.oid = ANY ($1::oid[]) AND n.nspname !~ '^pg_'"
    " AND l.mode NOT IN ('AccessShareLock', 'RowShareLock',"
    " 'RowExclusiveLock')"
    " GROUP BY 1 ORDER BY 1";

static const char size_sql[] = "SELECT greatest(reltuples, 0)::bigint::text,"
			       " pg_size_pretty(pg_total_relation_size(oid))"
			       " FROM pg_class WHERE oid = to_regclass($1)";

static const char *
effect_of(const char *mode)
{
	if (str_eq(mode, "AccessExclusiveLock"))
		return "reads and writes wait meanwhile";
	if (str_eq(mode, "ShareUpdateExclusiveLock"))
		return "only other schema changes wait meanwhile";
	return "writes wait meanwhile";
}

static bool
print_locks(const struct check *c)
{
	struct arena *a = c->stack->arena;
	struct db_rows locks, size;
	const char *table, *mode;
	int i;

	if (db_script_query(
		c->script, a, locks_sql, DB_ARGS(c->tables), &locks) != ERR_OK)
		return print_problem(c, c->script);
	if (locks.count == 0)
		print_message("    no table that exists is locked against "
			      "reading or writing");
	for (i = 0; i < locks.count; i++) {
		table = db_get_text(&locks, i, 0);
		mode = db_get_text(&locks, i, 1);
		if (db_script_query(
			c->real, a, size_sql, DB_ARGS(table), &size) != ERR_OK)
			return print_problem(c, c->real);
		print_message("    %s on %s (about %s rows, %s): %s", mode,
		    table, size.count > 0 ? db_get_text(&size, 0, 0) : "0",
		    size.count > 0 ? db_get_text(&size, 0, 1) : "0 bytes",
		    effect_of(mode));
	}
	return true;
}

static bool
read_tables(struct check *c)
{
	struct db_rows rows;

	if (db_script_query(c->script, c->stack->arena, tables_sql, DB_NO_ARGS,
		&rows) != ERR_OK)
		return print_problem(c, c->script);
	c->tables = arena_strdup(c->stack->arena, db_get_text(&rows, 0, 0));
	return true;
}

static bool
try_in_transaction(const struct check *c, const struct migration *m)
{
	if (db_script_run(c->script, "BEGIN") != ERR_OK ||
	    db_script_run(c->script, m->text) != ERR_OK) {
		print_error("%s: %s fails on an empty copy of the database: "
			    "line %d: %s",
		    c->service->name, m->name,
		    db_script_problem_line(c->script),
		    db_script_problem(c->script));
		return false;
	}
	return print_locks(c) &&
	       (db_script_run(c->script, "COMMIT") == ERR_OK ||
		   print_problem(c, c->script));
}

static bool
try_alone(const struct check *c, const struct migration *m)
{
	if (db_script_run(c->script, m->text) != ERR_OK) {
		print_error("%s: %s fails on an empty copy of the database: %s",
		    c->service->name, m->name, db_script_problem(c->script));
		return false;
	}
	print_message("    one statement on an index, while reads and writes "
		      "go on; it may take long on a large table");
	return true;
}

/* Called for each migration that is to be run. */
static bool
try_migration(void *ctx, const char *folder, const struct migration *m)
{
	struct check *c = ctx;
	const char *index;
	int64_t start_us;
	bool ok;

	if (c->pending++ == 0) {
		print_message(
		    "%s: these migrations will be run:", c->service->name);
		if (!make_copy(c) || !read_tables(c))
			return false;
	}
	if (!migration_file_index(c->stack->arena, m, &index))
		return false;
	print_message("  sql/%s/%s (%s)", folder, m->name,
	    index == NULL ? "in a transaction" : "without a transaction");
	start_us = clock_monotonic_us();
	ok = index == NULL ? try_in_transaction(c, m) : try_alone(c, m);
	if (ok)
		print_message("    %lld ms on an empty copy",
		    (long long)((clock_monotonic_us() - start_us) / 1000));
	return ok;
}

/*
 * Whether the release before did not have this service: "kedge up" or "kedge
 * apply" of this release will make its database. False: an error was printed.
 */
static bool
find_new(const struct check *c, bool *ret_new)
{
	struct arena *a = c->stack->arena;
	const char *name =
	    arena_printf(a, "%s_MIGRATION_URL", c->service->variable);
	struct db_script *admin;
	struct db_rows rows;
	bool ok;

	*ret_new = false;
	if (getenv(name) != NULL)
		return true;
	if (c->stack->is_system) {
		*ret_new = !file_exists(
		    arena_printf(a, SYSTEM_MIGRATION_DIR "/%s", name));
		return true;
	}
	admin = connect_to(
	    c, database_admin_url(c->stack, c->service, /* database= */ NULL));
	if (admin == NULL)
		return false;
	ok = db_script_query(admin, a,
		 "SELECT NOT EXISTS (SELECT FROM pg_database"
		 " WHERE datname = $1)",
		 DB_ARGS(c->service->name), &rows) == ERR_OK ||
	     print_problem(c, admin);
	if (ok)
		*ret_new = db_get_bool(&rows, 0, 0);
	db_script_close(admin);
	return ok;
}

static bool
check_database(const struct stack *s, const struct spec_service *service)
{
	struct check c = {
		.stack = s,
		.service = service,
		.copy =
		    arena_printf(s->arena, "kedge_upgrade_%s", service->name),
	};
	bool is_new, ok;

	if (!find_new(&c, &is_new))
		return false;
	if (is_new) {
		print_message("%s: the service is new; its database will be "
			      "made",
		    service->name);
		return true;
	}
	c.real = connect_to(&c, database_owner_url(s, service));
	if (c.real == NULL)
		return false;
	ok = migrate_each_pending(s, service, try_migration, &c);
	if (ok && c.pending == 0)
		print_message("%s: the database is up to date", service->name);
	db_script_close(c.script);
	db_script_close(c.real);
	return (c.pending == 0 || drop_copy(&c)) && ok;
}

/* -- the settings -- */

/* The variable NAME, if it is known; also NAME_FILE of a secret. */
static bool
is_known(const struct variable_list *list, const struct spec_service *service,
    struct arena *a, const char *name)
{
	size_t len = strlen(name);
	const struct variable *secret;

	if (variable_list_find(list, name) != NULL ||
	    str_eq(
		name, arena_printf(a, "%s_MIGRATION_URL", service->variable)))
		return true;
	if (len <= 5 || !str_eq(name + len - 5, "_FILE"))
		return false;
	secret = variable_list_find(list, arena_strndup(a, name, len - 5));
	return secret != NULL && secret->secret;
}

static bool
check_file(const struct stack *s, const struct spec_service *service,
    const struct variable_list *list, const char *path)
{
	struct arena *a = s->arena;
	const char *own = arena_printf(a, "%s_", service->variable);
	struct environment *e = arena_alloc(a, sizeof(*e));
	bool ok = true;
	int i;

	if (!environment_parse_if_exists(a, path, e))
		return false;
	for (i = 0; i < e->count; i++) {
		if (!str_has_prefix(e->names[i], own) ||
		    is_known(list, service, a, e->names[i]))
			continue;
		print_error("%s: %s does not exist in this release; remove it, "
			    "or see docs/CONFIGURATION.md for its successor",
		    path, e->names[i]);
		ok = false;
	}
	return ok;
}

static bool
check_settings(const struct stack *s, const struct spec_service *service)
{
	struct variable_list list;

	if (!variable_list_read(s, service, &list))
		return false;
	return check_file(s, service, &list,
	    s->is_system
		? arena_printf(s->arena, SYSTEM_DIR "/%s.env", service->name)
		: settings_path());
}

/* -- the command -- */

static bool
check_all(const struct stack *s)
{
	const struct spec_service *service;
	bool ok = true;
	int i;

	for (i = 0; i < s->spec.nservices; i++) {
		service = &s->spec.services[i];
		if (service->external)
			continue;
		if (service->needs_postgres)
			ok = check_database(s, service) && ok;
		if (spec_is_own(service))
			ok = check_settings(s, service) && ok;
	}
	if (ok)
		print_message("nothing stands in the way of this release");
	return ok;
}

int
upgrade_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct options o;
	struct stack s;
	int status = 1;

	if (!options_read(&o, argc, argv,
		OPTIONS_DIR | OPTIONS_SYSTEM | OPTIONS_CHECK,
		/* args_max= */ 0)) {
		status = OPTIONS_USAGE;
	} else if (!o.check) {
		print_error("upgrade: say --check; the upgrade itself is to "
			    "install the release and \"kedge restart\" (on a "
			    "server the package does both)");
		status = OPTIONS_USAGE;
	} else if (stack_open_either(&s, a, o.dir, o.system) &&
		   (s.is_system || stack_enter(&s))) {
		status = check_all(&s) ? 0 : 1;
	}
	arena_free(a);
	return status;
}

#include "database.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/str.h"
#include "db/db_script.h"

#include "connections.h"
#include "file.h"
#include "message.h"

/*
 * Records what was made. The file is in pg/, so that it is deleted with the
 * cluster.
 */
#define STAMP_FILE "pg/kedge-databases"

static const char *
password_of(const struct database_task *t, const struct spec_service *service)
{
	/* On a host, PostgreSQL knows a service by its user: see apply.h. */
	if (t->secrets == NULL)
		return NULL;
	return environment_find(
	    t->secrets, arena_printf(t->stack->arena, "%s_DATABASE_PASSWORD",
			    service->variable));
}

static const char *
limit_of(const struct database_task *t, const struct spec_service *service)
{
	struct arena *a = t->stack->arena;

	return arena_i64(a, connections_limit(a, service));
}

/*
 * A hash of the services, passwords and limits, which does not reveal the
 * passwords.
 */
static const char *
stamp(const struct database_task *t)
{
	const struct spec_service *service;
	char hex[SHA256_HEX_SIZE];
	const char *list = "";
	int i;

	for (i = 0; i < t->stack->spec.nservices; i++) {
		service = &t->stack->spec.services[i];
		if (service->needs_postgres)
			list = arena_printf(t->stack->arena, "%s%s %s %s\n",
			    list, service->name, password_of(t, service),
			    limit_of(t, service));
	}
	sha256_hex(list, strlen(list), hex);
	return arena_printf(t->stack->arena, "%s\n", hex);
}

bool
database_is_made(const struct database_task *t)
{
	return str_eq(file_find(t->stack->arena, STAMP_FILE,
			  /* ret_len= */ NULL),
	    stamp(t));
}

/*
 * Whether the database is in the cluster of this stack or host. On a host, an
 * operator may have written a connection string of another server.
 */
static bool
is_here(const struct stack *s, const struct spec_service *service)
{
	struct arena *a = s->arena;
	const char *host = getenv("PGHOST");
	const char *url;

	if (!s->is_system)
		return true;
	url = file_find(a,
	    arena_printf(a, SYSTEM_SECRETS_DIR "/%s/%s_DATABASE_URL",
		service->name, service->variable),
	    /* ret_len= */ NULL);
	return host != NULL && url != NULL &&
	       strstr(url, arena_printf(a, "host=%s", host)) != NULL;
}

static struct db_script *
connect_to(const struct stack *s, const char *database)
{
	struct db_script *script;
	const char *problem;

	if (db_script_open(s->arena,
		connections_url(s,
		    s->is_system ? "postgres" : POSTGRES_SUPERUSER,
		    /* password= */ NULL, database),
		&script, &problem) == ERR_OK)
		return script;
	print_error("cannot connect to PostgreSQL: %s", problem);
	return NULL;
}

static bool
run(struct db_script *script, const char *database, const char *sql)
{
	if (db_script_run(script, sql) == ERR_OK)
		return true;
	print_error("database %s: %s", database, db_script_problem(script));
	return false;
}

/*
 * Runs the commands that a SELECT of format() returns.  The server quotes the
 * arguments, because CREATE ROLE and the like take no parameters.
 */
static bool
run_formatted(struct db_script *script, struct arena *a, const char *name,
    const char *format_sql, struct db_args args)
{
	struct db_rows rows;
	int i;

	if (db_script_query(script, a, format_sql, args, &rows) != ERR_OK) {
		print_error("database %s: %s", name, db_script_problem(script));
		return false;
	}
	for (i = 0; i < rows.count; i++)
		if (!run(script, name, db_get_text(&rows, i, 0)))
			return false;
	return true;
}

static const char roles_sql[] =
    "WITH service AS (SELECT $1::text AS app, $1 || '_owner' AS owner,"
    " $2::text AS password, $3::text AS connections)"
    " SELECT format('CREATE ROLE %I', role)"
    " FROM service, LATERAL (VALUES (app), (owner)) AS wanted (role)"
    " WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role)"
    " UNION ALL"
    " SELECT format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE"
    " NOREPLICATION NOBYPASSRLS PASSWORD %L CONNECTION LIMIT %s',"
    " role, secret, most)"
    " FROM service, LATERAL (VALUES (app, password, connections),"
    " (owner, NULL, '-1')) AS w (role, secret, most)"
    /* the second login of "kedge secrets rotate database" */
    " UNION ALL"
    " SELECT format('ALTER ROLE %I PASSWORD NULL', rolname)"
    " FROM service, pg_roles WHERE rolname = app || '_2'";

static const char database_sql[] =
    "WITH service AS (SELECT $1::text AS app, $1 || '_owner' AS owner)"
    " SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0"
    " ENCODING ''UTF8''', app, owner) FROM service"
    " WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = app)"
    " UNION ALL"
    " SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', app)"
    " FROM service"
    " UNION ALL"
    " SELECT format('GRANT CONNECT ON DATABASE %I TO %I', app, app)"
    " FROM service";

static const char schema_sql[] =
    "WITH service AS (SELECT $1::text AS app, $1 || '_owner' AS owner)"
    " SELECT format('ALTER SCHEMA public OWNER TO %I', owner) FROM service"
    " UNION ALL"
    " SELECT 'REVOKE ALL ON SCHEMA public FROM PUBLIC'"
    " UNION ALL"
    " SELECT format('GRANT USAGE ON SCHEMA public TO %I', app) FROM service"
    /* otherwise a role without privileges could store large objects */
    " UNION ALL"
    " SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC',"
    " oid::regprocedure) FROM pg_proc"
    " WHERE pronamespace = 'pg_catalog'::regnamespace"
    " AND proname IN ('lo_creat', 'lo_create', 'lo_from_bytea')";

static bool
make_schema(const struct stack *s, const char *name)
{
	struct db_script *script = connect_to(s, name);
	bool ok;

	ok = script != NULL &&
	     run_formatted(script, s->arena, name, schema_sql, DB_ARGS(name));
	db_script_close(script);
	return ok;
}

static bool
make_one(const struct database_task *t, struct db_script *script,
    const struct spec_service *service)
{
	struct arena *a = t->stack->arena;
	const char *name = service->name;
	const char *verifier = password_of(t, service);

	if (verifier != NULL && db_script_encrypt_password(script, a, name,
				    verifier, &verifier) != ERR_OK) {
		print_error("database %s: %s", name, db_script_problem(script));
		return false;
	}
	return run_formatted(script, a, name, roles_sql,
		   DB_ARGS(name, verifier, limit_of(t, service))) &&
	       run_formatted(script, a, name, database_sql, DB_ARGS(name)) &&
	       make_schema(t->stack, name);
}

static bool
make_all(const struct database_task *t, struct db_script *script)
{
	const struct spec_service *service;
	int i;

	/* Failing statements are not logged: their text has a verifier. */
	if (!run(script, "postgres",
		"SET log_min_error_statement = 'panic';"
		"REVOKE ALL ON DATABASE postgres FROM PUBLIC;"
		"REVOKE ALL ON DATABASE template1 FROM PUBLIC"))
		return false;
	for (i = 0; i < t->stack->spec.nservices; i++) {
		service = &t->stack->spec.services[i];
		if (service->needs_postgres && is_here(t->stack, service) &&
		    !make_one(t, script, service))
			return false;
	}
	return t->stack->is_system ||
	       file_write(t->stack->arena, STAMP_FILE, 0600, stamp(t));
}

int
database_make(void *database_task)
{
	const struct database_task *t = database_task;
	struct db_script *script = connect_to(t->stack, "postgres");
	bool ok;

	if (script == NULL)
		return 1;
	print_message("making the databases and their roles");
	ok = make_all(t, script);
	db_script_close(script);
	return ok ? 0 : 1;
}

#include "doctor.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "db/db.h"
#include "db/db_script.h"

#include "connections.h"
#include "migrate.h"
#include "privileges.h"

enum { CLOCKS_DIFFER_MS = 1000 };

/* Settings without which an acknowledged write may be lost. */
static const struct {
	const char *name;
	const char *wanted;
} settings[] = {
	{ "fsync", "on" },
	{ "full_page_writes", "on" },
	{ "synchronous_commit", "on" },
};

static const char settings_sql[] =
    "SELECT current_setting('fsync'), current_setting('full_page_writes'),"
    " current_setting('synchronous_commit'), current_setting('max_connections')"
    "::bigint, (SELECT pg_encoding_to_char(encoding) FROM pg_database"
    " WHERE datname = current_database()),"
    " (extract(epoch FROM clock_timestamp()) * 1000)::bigint,"
    " (SELECT coalesce(string_agg(attribute, ', '), '') FROM (VALUES"
    " ('SUPERUSER', r.rolsuper), ('CREATEDB', r.rolcreatedb),"
    " ('CREATEROLE', r.rolcreaterole), ('BYPASSRLS', r.rolbypassrls),"
    " ('REPLICATION', r.rolreplication)) x (attribute, has) WHERE has)"
    " FROM pg_roles r WHERE r.rolname = $1";
enum {
	COLUMN_FIRST_SETTING = 0,
	COLUMN_CONNECTIONS = 3,
	COLUMN_ENCODING,
	COLUMN_NOW,
	COLUMN_ATTRIBUTES,
};

/* Databases of other services to which the role may connect. */
static const char others_sql[] =
    "SELECT coalesce(string_agg(datname, ', ' ORDER BY datname), '')"
    " FROM pg_database WHERE datallowconn AND NOT datistemplate"
    " AND datname <> $1 AND datname = ANY (string_to_array($2, ','))"
    " AND has_database_privilege($1, oid, 'CONNECT')";

static const char *
services_with_databases(struct doctor *d)
{
	const struct spec *spec = d->site.spec;
	const char *list = "";
	int i;

	for (i = 0; i < spec->nservices; i++)
		if (spec->services[i].needs_postgres)
			list = arena_printf(d->arena, "%s%s%s", list,
			    *list == '\0' ? "" : ",", spec->services[i].name);
	return list;
}

static void
check_settings(struct doctor *d, const struct spec_service *service,
    const struct db_rows *rows)
{
	const char *value;
	size_t i;

	for (i = 0; i < COUNT_OF(settings); i++) {
		value = db_get_text(rows, 0, COLUMN_FIRST_SETTING + (int)i);
		if (!str_eq(value, settings[i].wanted))
			doctor_add(d, SEVERITY_ERROR,
			    arena_printf(d->arena,
				"ALTER SYSTEM SET %s = %s, then reload or "
				"restart PostgreSQL",
				settings[i].name, settings[i].wanted),
			    "%s: PostgreSQL has %s = %s: a crash may lose "
			    "writes that were acknowledged",
			    service->name, settings[i].name, value);
	}
	value = db_get_text(rows, 0, COLUMN_ENCODING);
	if (!str_eq(value, "UTF8"))
		doctor_add(d, SEVERITY_ERROR,
		    "make the database anew with ENCODING 'UTF8'",
		    "%s: the database has the encoding %s", service->name,
		    value);
}

static void
check_connections(struct doctor *d, const struct spec_service *service,
    const struct db_rows *rows)
{
	int64_t has = db_get_i64(rows, 0, COLUMN_CONNECTIONS);
	int64_t wants = connections_of_server(d->arena, d->site.spec);

	/* Services may have servers of their own; then each needs less. */
	if (has >= wants)
		return;
	doctor_add(d, SEVERITY_WARNING,
	    arena_printf(d->arena,
		"ALTER SYSTEM SET max_connections = %lld, then restart "
		"PostgreSQL",
		(long long)wants),
	    "%s: max_connections is %lld, and all pools together may need "
	    "%lld",
	    service->name, (long long)has, (long long)wants);
}

static void
check_clock(struct doctor *d, const struct spec_service *service,
    const struct db_rows *rows)
{
	int64_t differ = db_get_i64(rows, 0, COLUMN_NOW) - clock_now_ms();

	if (differ > -CLOCKS_DIFFER_MS && differ < CLOCKS_DIFFER_MS)
		return;
	doctor_add(d, SEVERITY_ERROR, "synchronise the clocks by NTP",
	    "%s: the clock of PostgreSQL's host differs by %lld ms",
	    service->name, (long long)differ);
}

static void
check_role(struct doctor *d, const struct spec_service *service,
    struct db_script *script, const struct db_rows *settings_row)
{
	const char *name = service->name;
	const char *attributes =
	    db_get_text(settings_row, 0, COLUMN_ATTRIBUTES);
	struct db_rows rows;
	int i;

	if (*attributes != '\0')
		doctor_add(d, SEVERITY_ERROR,
		    arena_printf(d->arena,
			"ALTER ROLE %s NOSUPERUSER NOCREATEDB NOCREATEROLE "
			"NOBYPASSRLS NOREPLICATION",
			name),
		    "%s: the role of the service has %s", name, attributes);
	if (db_script_query(script, d->arena, others_sql,
		DB_ARGS(name, services_with_databases(d)), &rows) == ERR_OK &&
	    *db_get_text(&rows, 0, 0) != '\0')
		doctor_add(d, SEVERITY_ERROR,
		    "REVOKE CONNECT ON DATABASE ... FROM PUBLIC, for each",
		    "%s: the role of the service may connect to %s", name,
		    db_get_text(&rows, 0, 0));
	if (!privileges_find(script, d->arena, name, &rows))
		return;
	for (i = 0; i < rows.count; i++)
		doctor_add(d, SEVERITY_ERROR,
		    arena_printf(d->arena, "run as a superuser: %s",
			db_get_text(&rows, i, 1)),
		    "%s: %s", name, db_get_text(&rows, i, 0));
}

static void
check_database(struct doctor *d, const struct spec_service *service)
{
	struct migrate_look look;
	struct db_rows rows;

	if (!migrate_look(d->stack, service, &look)) {
		doctor_add(d, SEVERITY_ERROR, "see the message above",
		    "%s: its database cannot be read", service->name);
		return;
	}
	if (look.npending > 0)
		doctor_add(d, SEVERITY_ERROR, "run \"kedge migrate\"",
		    "%s: %d migrations were not run, %s first", service->name,
		    look.npending, look.first);
	if (db_script_query(look.script, d->arena, settings_sql,
		DB_ARGS(service->name), &rows) != ERR_OK)
		doctor_add(d, SEVERITY_ERROR, "see the log of PostgreSQL",
		    "%s: %s", service->name, db_script_problem(look.script));
	else if (rows.count == 0)
		doctor_add(d, SEVERITY_ERROR,
		    arena_printf(
			d->arena, "CREATE ROLE %s LOGIN", service->name),
		    "%s: its role does not exist", service->name);
	else {
		check_settings(d, service, &rows);
		check_connections(d, service, &rows);
		check_clock(d, service, &rows);
		check_role(d, service, look.script, &rows);
	}
	db_script_close(look.script);
}

void
doctor_databases(struct doctor *d)
{
	const struct spec *spec = d->site.spec;
	int i;

	for (i = 0; i < spec->nservices; i++)
		if (spec->services[i].needs_postgres)
			check_database(d, &spec->services[i]);
}

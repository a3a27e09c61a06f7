#include "privileges.h"

#include "base/arena.h"
#include "db/db_script.h"

#include "message.h"

/*
 * A role that owns neither the database nor the schema cannot revoke
 * privileges. That causes no error here, because problems_sql then checks the
 * result.
 */
static const char revoke_sql[] =
    "DO $revoke$\n"
    "DECLARE\n"
    "	v_role text;\n"
    "	v_grantee text;\n"
    "BEGIN\n"
    "	FOREACH v_role IN ARRAY ARRAY['public',\n"
    "		current_setting('kedge.service')]\n"
    "	LOOP\n"
    "		v_grantee := CASE v_role WHEN 'public' THEN 'PUBLIC'\n"
    "			ELSE quote_ident(v_role) END;\n"
    "		BEGIN\n"
    "			IF has_database_privilege(v_role, current_database(),\n"
    "				'TEMPORARY, CREATE') THEN\n"
    "				EXECUTE format('REVOKE TEMPORARY, CREATE ON'\n"
    "					' DATABASE %I FROM %s',\n"
    "					current_database(), v_grantee);\n"
    "			END IF;\n"
    "			IF has_schema_privilege(v_role, 'public', 'CREATE')\n"
    "			THEN\n"
    "				EXECUTE 'REVOKE CREATE ON SCHEMA public FROM "
    "'\n"
    "					|| v_grantee;\n"
    "			END IF;\n"
    "		EXCEPTION WHEN insufficient_privilege THEN\n"
    "			NULL;\n"
    "		END;\n"
    "	END LOOP;\n"
    "END\n"
    "$revoke$";

static const char role_sql[] = "SELECT FROM pg_roles WHERE rolname = $1";

/*
 * Finds the problems that are left, worst first, each with the statement that
 * solves it.
 */
static const char problems_sql[] =
    "WITH grantee (name, role, quoted) AS (VALUES"
    " ('everybody', 'public', 'PUBLIC'),"
    " (format('the role %s', $1::text), $1, quote_ident($1)))"
    " SELECT 'the migrations would run as the role of the service',"
    " format('give %I a role of its own to own the database', $1)"
    " WHERE current_user = $1"
    " UNION ALL"
    " SELECT format('the role %s is a member of %s', $1, current_user),"
    " format('REVOKE %I FROM %I', current_user, $1)"
    " WHERE pg_has_role($1, current_user, 'MEMBER')"
    " UNION ALL"
    " SELECT format('the role %s owns objects', $1),"
    " format('REASSIGN OWNED BY %I TO %I', $1, current_user)"
    " WHERE EXISTS (SELECT FROM pg_shdepend"
    " WHERE refclassid = 'pg_authid'::regclass"
    " AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1)"
    " AND deptype = 'o' AND dbid IN (0, (SELECT oid FROM pg_database"
    " WHERE datname = current_database())))"
    " UNION ALL"
    " SELECT format('%s may create in the schema public', name),"
    " format('REVOKE CREATE ON SCHEMA public FROM %s', quoted)"
    " FROM grantee WHERE has_schema_privilege(role, 'public', 'CREATE')"
    " UNION ALL"
    " SELECT format('%s may create temporary objects or schemas', name),"
    " format('REVOKE TEMPORARY, CREATE ON DATABASE %I FROM %s',"
    " current_database(), quoted)"
    " FROM grantee WHERE"
    " has_database_privilege(role, current_database(), 'TEMPORARY, CREATE')";

static bool
query(struct db_script *script, struct arena *a, const char *service,
    const char *sql, struct db_rows *ret_rows)
{
	if (db_script_query(script, a, sql, DB_ARGS(service), ret_rows) ==
	    ERR_OK)
		return true;
	print_error("%s: %s", service, db_script_problem(script));
	return false;
}

bool
privileges_find(struct db_script *script, struct arena *a, const char *service,
    struct db_rows *ret_rows)
{
	return query(script, a, service, problems_sql, ret_rows);
}

bool
privileges_secure(
    struct db_script *script, struct arena *a, const char *service)
{
	struct db_rows rows;

	if (!query(script, a, service, role_sql, &rows))
		return false;
	if (rows.count == 0) {
		print_error("%s: there is no role %s for the service to log in "
			    "as: CREATE ROLE %s LOGIN",
		    service, service, service);
		return false;
	}
	if (db_script_run(script, revoke_sql) != ERR_OK) {
		print_error("%s: %s", service, db_script_problem(script));
		return false;
	}
	if (!query(script, a, service, problems_sql, &rows))
		return false;
	if (rows.count == 0)
		return true;
	print_error("%s: %s, and could so get the owner's privileges; run as a "
		    "superuser: %s",
	    service, db_get_text(&rows, 0, 0), db_get_text(&rows, 0, 1));
	return false;
}

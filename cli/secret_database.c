/*
 * Rotates the password of a service's login to PostgreSQL.
 *
 * A role has one password. If it were changed, a process could not connect
 * until it has been reloaded. So a second role, NAME_2, takes turns with NAME:
 * it gets a new password, and at its login it becomes NAME (SET role), whose
 * privileges and objects it thereby has. When all processes have been reloaded,
 * the password of the other role is removed.
 */
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "db/db_login.h"
#include "db/db_script.h"

#include "database_url.h"
#include "message.h"
#include "secret_rotate.h"

/* Contains the role whose password is to be removed at the end. */
#define STATE_FILE ".database"
#define SECOND "_2"

/* Connects as a role that may change other roles. */
static struct db_script *
open_admin(const struct secrets *s, const struct spec_service *service)
{
	const char *url =
	    database_admin_url(&s->stack, service, /* database= */ NULL);
	struct db_script *script;
	const char *problem;

	if (url == NULL)
		return NULL;
	if (db_script_open(s->stack.arena, url, &script, &problem) == ERR_OK)
		return script;
	print_error("cannot connect to PostgreSQL to change %s's role: %s",
	    service->name, problem);
	return NULL;
}

/* Runs the statements that the query writes with format(). */
static bool
run_formatted(struct db_script *script, struct arena *a, const char *sql,
    struct db_args args)
{
	struct db_rows rows;
	int i;

	if (db_script_query(script, a, sql, args, &rows) != ERR_OK) {
		print_error("PostgreSQL: %s", db_script_problem(script));
		return false;
	}
	for (i = 0; i < rows.count; i++)
		if (db_script_run(script, db_get_text(&rows, i, 0)) != ERR_OK) {
			print_error(
			    "PostgreSQL: %s", db_script_problem(script));
			return false;
		}
	return true;
}

/* Statements with a verifier need not be in the server's log either. */
static const char quiet_sql[] =
    "SELECT format('SET %s = %s', name, value)"
    " FROM (VALUES ('log_statement', 'none'),"
    " ('log_min_error_statement', 'panic'),"
    " ('log_min_duration_statement', '-1')) AS t (name, value)"
    " WHERE (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)";

static const char create_sql[] =
    "SELECT format('CREATE ROLE %I', $1::text)"
    " WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $1::text)";

/* $1 is the role that gets the password with the verifier $2; $3 has the right
 * limit. */
static const char password_sql[] =
    "SELECT format('ALTER ROLE %I LOGIN INHERIT PASSWORD %L"
    " CONNECTION LIMIT %s', $1::text, $2::text, rolconnlimit)"
    " FROM pg_roles WHERE rolname = $3::text";

/* At each login of the second role, PostgreSQL sets its role to the first. */
static const char member_sql[] = "SELECT format('GRANT %I TO %I',"
				 " $2::text, $1::text)"
				 " UNION ALL"
				 " SELECT format('ALTER ROLE %I SET role = %L',"
				 " $1::text, $2::text)";

static const char forget_sql[] = "SELECT format('ALTER ROLE %I PASSWORD NULL',"
				 " $1::text)";

/* The name of the first role of the two. */
static const char *
first_of(struct arena *a, const char *role)
{
	size_t len = strlen(role), suffix = strlen(SECOND);

	if (len <= suffix || !str_eq(role + len - suffix, SECOND))
		return role;
	return arena_strndup(a, role, len - suffix);
}

static bool
give_password(struct db_script *script, struct arena *a, const char *old,
    const char *next, const char *password)
{
	const char *first = first_of(a, next);
	const char *verifier;

	if (db_script_encrypt_password(script, a, next, password, &verifier) !=
	    ERR_OK) {
		print_error("PostgreSQL: %s", db_script_problem(script));
		return false;
	}
	return run_formatted(script, a, create_sql, DB_ARGS(next)) &&
	       run_formatted(
		   script, a, password_sql, DB_ARGS(next, verifier, old)) &&
	       (str_eq(next, first) ||
		   run_formatted(script, a, member_sql, DB_ARGS(next, first)));
}

/* Whether the new login works, with the service's own connection string. */
static bool
try_login(struct arena *a, const char *url)
{
	struct db_script *script;
	const char *problem;

	if (db_script_open(a, url, &script, &problem) != ERR_OK) {
		print_error("the new login does not work: %s", problem);
		return false;
	}
	db_script_close(script);
	return true;
}

/* Makes the services use the new login, and ends the old one. */
static bool
finish(const struct secrets *s, const struct spec_service *service,
    struct db_script *script, const char *old)
{
	struct arena *a = s->stack.arena;

	if (!secrets_reload(s, service) ||
	    !run_formatted(script, a, forget_sql, DB_ARGS(old)) ||
	    !secret_store_remove(&s->store, service->name, STATE_FILE))
		return false;
	print_message("%s: the service uses a new login and password; the "
		      "login %s has no password any more",
	    service->name, old);
	return true;
}

static bool
begin(const struct secrets *s, const struct spec_service *service,
    struct db_script *script, const struct secret_source *source,
    const char *old)
{
	struct arena *a = s->stack.arena;
	const char *first = first_of(a, old);
	const char *next =
	    str_eq(old, first) ? arena_printf(a, "%s" SECOND, old) : first;
	const char *password = secret_new(a);
	const struct db_login login = { .user = next, .password = password };
	const char *url = db_login_replace(a, source->text, &login);

	if (!give_password(script, a, old, next, password) ||
	    !try_login(a, url))
		return false;
	/* A stack gives this password to the first role at its next start. */
	if (!s->store.is_server &&
	    !secret_store_put(&s->store, service->name,
		secret_variable(a, service, "DATABASE_PASSWORD"), password))
		return false;
	return secret_store_put(&s->store, service->name, STATE_FILE, old) &&
	       secrets_put(s, service, "DATABASE_URL", source, url);
}

/*
 * Rotates the password while no service runs: the next start of the stack sets
 * it in PostgreSQL.
 */
static bool
rotate_stopped(const struct secrets *s, const struct spec_service *service)
{
	if (!secret_store_put(&s->store, service->name,
		secret_variable(s->stack.arena, service, "DATABASE_PASSWORD"),
		secret_new(s->stack.arena)))
		return false;
	print_message("%s: the next \"kedge up\" sets a new database password",
	    service->name);
	return true;
}

bool
secrets_rotate_database(
    const struct secrets *s, const struct spec_service *service)
{
	struct secret_source source;
	struct db_script *script;
	struct db_login login;
	const char *old;
	bool ok;

	if (!s->runs)
		return rotate_stopped(s, service);
	if (!secrets_find(s, service, "DATABASE_URL", &source) ||
	    !secret_store_find(&s->store, service->name, STATE_FILE, &old))
		return false;
	if (source.text == NULL ||
	    !db_login_read(s->stack.arena, source.text, &login)) {
		print_error("%s: %s_DATABASE_URL is not set or cannot be read",
		    service->name, service->variable);
		return false;
	}
	if (login.password == NULL || login.user == NULL) {
		print_message("%s: logs in to PostgreSQL without a password "
			      "(peer or trust authentication): there is "
			      "nothing to rotate",
		    service->name);
		return true;
	}
	if (source.place == SECRET_PLACE_VARIABLE) {
		print_error("%s: %s_DATABASE_URL is in the environment of the "
			    "service; rotate it where it is set",
		    service->name, service->variable);
		return false;
	}
	script = open_admin(s, service);
	if (script == NULL)
		return false;
	ok = run_formatted(script, s->stack.arena, quiet_sql, DB_NO_ARGS);
	if (old != NULL && !str_eq(old, login.user)) {
		/* The file names the new login already. */
		print_message("%s: continuing the rotation that was "
			      "interrupted",
		    service->name);
	} else {
		old = login.user;
		ok = ok && begin(s, service, script, &source, old);
	}
	ok = ok && finish(s, service, script, old);
	db_script_close(script);
	return ok;
}

#include "adopt.h"

#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "db/db_login.h"
#include "db/db_script.h"
#include "db/db_url.h"

#include "adopt_check.h"
#include "adopt_cookie.h"
#include "adopt_find.h"
#include "adopt_look.h"
#include "adopt_roles.h"
#include "connections.h"
#include "env_file.h"
#include "file.h"
#include "message.h"
#include "migrate.h"
#include "options.h"
#include "secret_store.h"
#include "settings.h"
#include "stack.h"
#include "variable_list.h"

enum {
	SECRET_MIN = 32, /* what AUTH_SECRET must have at least */
	NO_LOCKOUT = -1,
};

struct adopt {
	struct arena *arena;
	struct stack stack;
	/* the options */
	const char *dir, *from, *admin, *cookie, *secret_file, *url;
	int64_t accepted; /* NO_LOCKOUT: not given */
	bool json, sql, run, undo, no_cookie;

	const char *secret;
	const char *origin; /* for AUTH_URL; NULL: not known */
	struct db_script *script; /* of --from */
	struct db_script *admin_script; /* may be the same */
	struct adopt_facts facts;
	struct adopt_findings found;
	struct adopt_power power;
	struct adopt_roles roles;
	struct adopt_cookie live;
	const char *auth_url, *owner_url; /* written into kedge.env */
	const char *auth_password, *owner_password;
};

/* -- options -- */

static const struct option flags[] = {
	{ "dir", required_argument, NULL, 'd' },
	{ "from", required_argument, NULL, 'f' },
	{ "admin", required_argument, NULL, 'a' },
	{ "cookie", required_argument, NULL, 'c' },
	{ "no-cookie", no_argument, NULL, 'n' },
	{ "secret-file", required_argument, NULL, 's' },
	{ "url", required_argument, NULL, 'u' },
	{ "accept-lockout", required_argument, NULL, 'l' },
	{ "json", no_argument, NULL, 'j' },
	{ "sql", no_argument, NULL, 'q' },
	{ "run", no_argument, NULL, 'r' },
	{ "undo", no_argument, NULL, 'z' },
	{ 0 },
};

/* A command enters the stack's directory before it opens the file. */
static const char *
absolute(struct arena *a, const char *path)
{
	char cwd[PATH_MAX];

	if (*path == '/' || getcwd(cwd, sizeof(cwd)) == NULL)
		return path;
	return arena_printf(a, "%s/%s", cwd, path);
}

static bool
take(struct adopt *x, int flag)
{
	switch (flag) {
	case 'd':
		x->dir = optarg;
		return true;
	case 'f':
		x->from = optarg;
		return true;
	case 'a':
		x->admin = optarg;
		return true;
	case 'c':
		x->cookie = optarg;
		return true;
	case 'n':
		x->no_cookie = true;
		return true;
	case 's':
		x->secret_file = absolute(x->arena, optarg);
		return true;
	case 'u':
		x->url = optarg;
		return true;
	case 'l':
		if (str_i64(optarg, 0, INT64_MAX, &x->accepted))
			return true;
		print_error("adopt: --accept-lockout %s: say the number of "
			    "users who could not sign in, as \"kedge adopt\" "
			    "prints it",
		    optarg);
		return false;
	case 'j':
		x->json = true;
		return true;
	case 'q':
		x->sql = true;
		return true;
	case 'r':
		x->run = true;
		return true;
	default:
		x->undo = true;
		return true;
	}
}

static bool
read_options(struct adopt *x, int argc, char **argv)
{
	int flag;

	optind = 0;
	opterr = 0; /* getopt() prints no errors; print_error() does */
	x->accepted = NO_LOCKOUT;
	while ((flag = getopt_long(argc, argv, ":", flags, NULL)) != -1) {
		if (flag == ':' || flag == '?') {
			print_error("adopt %s %s; see \"kedge adopt --help\"",
			    flag == ':' ? "needs a value after"
					: "has no option",
			    argv[optind - 1]);
			return false;
		}
		if (!take(x, flag))
			return false;
	}
	if (optind < argc) {
		print_error("adopt: unexpected argument %s; see \"kedge adopt "
			    "--help\"",
		    argv[optind]);
		return false;
	}
	if (x->json && (x->sql || x->run || x->undo)) {
		print_error("adopt: --json is for looking; see \"kedge adopt "
			    "--help\"");
		return false;
	}
	if (x->sql && x->run) {
		print_error("adopt: --sql prints what --run would do: say one "
			    "of them; see \"kedge adopt --help\"");
		return false;
	}
	return true;
}

/* -- connections and settings -- */

/* The first of the variables that has a value; a name may be NULL. */
static const char *
first_set(const char *a, const char *b, const char *c)
{
	const char *names[] = { a, b, c };
	const char *value;

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		value = names[i] != NULL ? getenv(names[i]) : NULL;
		if (value != NULL && *value != '\0')
			return value;
	}
	return NULL;
}

static struct db_script *
connect(struct adopt *x, const char *what, const char *url)
{
	const char *problem = db_url_problem(url);
	struct db_script *script;
	const char *prisma;

	if (problem == NULL &&
	    db_script_open(x->arena, url, &script, &problem) == ERR_OK)
		return script;
	prisma = adopt_check_prisma(url);
	if (prisma != NULL)
		print_error("%s: invalid URI query parameter: \"%s\". It is "
			    "one of Prisma, and libpq has none of this name: "
			    "leave it out",
		    what, prisma);
	else
		print_error("%s: %s", what, problem);
	return NULL;
}

static bool
open_stack(struct adopt *x)
{
	struct stack *s = &x->stack;

	if (!stack_open(s, x->arena, x->dir))
		return false;
	if (s->spec.verifier == NULL) {
		print_error("kedge.json has no service auth");
		return false;
	}
	if (stack_is_made(s))
		return stack_make(s) && settings_load(x->arena, &s->spec);
	return true;
}

static bool
open_databases(struct adopt *x)
{
	if (x->from == NULL)
		x->from = first_set("AUTH_MIGRATION_URL", "DATABASE_URL", NULL);
	if (x->from == NULL) {
		print_error("adopt: --from names the database of BetterAuth; "
			    "see \"kedge adopt --help\"");
		return false;
	}
	if (x->admin == NULL)
		x->admin = first_set("KEDGE_ADMIN_URL", NULL, NULL);
	x->script = connect(x, "--from", x->from);
	if (x->script == NULL)
		return false;
	x->admin_script = x->script;
	if (x->admin != NULL)
		x->admin_script = connect(x, "--admin", x->admin);
	return x->admin_script != NULL;
}

static void
close_databases(struct adopt *x)
{
	if (x->admin_script != x->script)
		db_script_close(x->admin_script);
	db_script_close(x->script);
}

static bool
read_secret(struct adopt *x)
{
	char *text;

	if (x->secret_file != NULL) {
		text = file_read(x->arena, x->secret_file, /* ret_len= */ NULL);
		if (text == NULL)
			return false;
		text[strcspn(text, "\n")] = '\0';
		x->secret = text;
	} else {
		x->secret =
		    first_set("AUTH_SECRET", "BETTER_AUTH_SECRET", NULL);
	}
	if (x->secret != NULL && strlen(x->secret) < SECRET_MIN) {
		print_error("the secret has %zu bytes, and auth needs %d: set "
			    "a longer one in BetterAuth first, which signs "
			    "everybody out once",
		    strlen(x->secret), SECRET_MIN);
		return false;
	}
	return true;
}

/* -- the decision -- */

/* "1 user", "2 users". */
static const char *
users(const struct adopt *x, int64_t n)
{
	return arena_printf(
	    x->arena, "%" PRId64 " user%s", n, n == 1 ? "" : "s");
}

static bool
check_reasons(const struct adopt *x)
{
	const struct adopt_facts *f = &x->facts;
	int stops = adopt_count(&x->found, ADOPT_STOP);

	if (stops > 0) {
		print_error("not adopted: %d reason%s to stop", stops,
		    stops == 1 ? "" : "s");
		return false;
	}
	if (x->accepted == f->locked_out ||
	    (x->accepted == NO_LOCKOUT && f->locked_out == 0))
		return true;
	if (x->accepted != NO_LOCKOUT)
		print_error("not adopted: --accept-lockout says %" PRId64
			    ", and %s could not sign in now",
		    x->accepted, users(x, f->locked_out));
	else
		print_error("not adopted: %s could not sign in at Kedge. If "
			    "that is meant, say --accept-lockout %" PRId64,
		    users(x, f->locked_out), f->locked_out);
	return false;
}

static bool
check_cookie(struct adopt *x)
{
	if (x->secret == NULL) {
		if (!x->run && x->cookie == NULL)
			return true;
		print_error("the secret is missing: set AUTH_SECRET (or "
			    "BETTER_AUTH_SECRET) to BetterAuth's, or name a "
			    "file with it in --secret-file");
		return false;
	}
	if (x->cookie != NULL)
		return adopt_cookie_check(
		    x->arena, x->script, x->cookie, x->secret, &x->live);
	if (!x->run || x->no_cookie || x->facts.live_sessions == 0)
		return true;
	print_error("--cookie is missing: copy the cookie "
		    "better-auth.session_token of a browser that is signed in "
		    "at BetterAuth, so that the secret can be checked (with "
		    "another one, %" PRId64 " live session%s would end); "
		    "--no-cookie does without",
	    x->facts.live_sessions, x->facts.live_sessions == 1 ? "" : "s");
	return false;
}

static void
print_cookie(const struct adopt *x)
{
	if (x->live.token != NULL)
		print_message("\nThe secret is right: it has signed the "
			      "cookie of a live session of %s",
		    x->live.email);
}

/* -- the plan of the roles -- */

static void
plan(struct adopt *x)
{
	struct arena *a = x->arena;
	const struct adopt_roles_wanted wanted = {
		.auth_password =
		    x->sql ? ":'auth_password'"
			   : arena_printf(a, "'%s'", x->auth_password),
		.owner_password =
		    x->sql ? ":'owner_password'"
			   : arena_printf(a, "'%s'", x->owner_password),
		.connections = connections_limit(a, x->stack.spec.verifier),
		.keep_password = getenv("AUTH_DATABASE_URL") != NULL,
	};

	adopt_roles_plan(&x->facts, &wanted, &x->power, &x->roles);
}

/*
 * The connection strings of the service and of the owner. False: one of them
 * is not known.
 */
static bool
find_urls(struct adopt *x)
{
	struct arena *a = x->arena;
	struct db_login auth = { .user = "auth" };
	struct db_login owner = { .user = x->roles.owner };
	bool is_auth = str_eq(x->facts.user, "auth");

	if (getenv("AUTH_DATABASE_URL") != NULL) {
		x->auth_url = getenv("AUTH_DATABASE_URL");
	} else if (x->roles.makes_auth) {
		auth.password = x->auth_password;
		x->auth_url = db_login_replace(a, x->from, &auth);
	} else if (is_auth) {
		x->auth_url = x->from;
	} else {
		print_error("the role auth exists already: set "
			    "AUTH_DATABASE_URL to a connection string with "
			    "its password");
		return false;
	}
	if (x->roles.makes_owner) {
		owner.password = x->owner_password;
		x->owner_url = db_login_replace(a, x->from, &owner);
	} else {
		x->owner_url = x->from;
	}
	return true;
}

static bool
check_plan(const struct adopt *x)
{
	if (x->roles.problem != NULL) {
		print_error("%s", x->roles.problem);
		return false;
	}
	return true;
}

/*
 * Prints for a person which roles are made and which tables change their owner.
 */
static void
print_plan(const struct adopt *x)
{
	if (x->roles.problem != NULL)
		print_message("\nRoles: %s", x->roles.problem);
	else if (x->roles.transfers)
		print_message("\nRoles: auth_owner becomes the owner of "
			      "BetterAuth's tables and runs the migrations; "
			      "auth is for the service. %s keeps its access",
		    x->facts.user);
	else
		print_message("\nRoles: %s stays the owner of the tables and "
			      "runs the migrations; auth is for the service",
		    x->roles.owner);
	if (x->roles.lacks != NULL)
		print_message("The role %s is not enough: %s. Name a superuser "
			      "in --admin, or let one run what \"kedge adopt "
			      "--sql\" prints",
		    x->power.user, x->roles.lacks);
}

/* -- printing SQL -- */

static const char *
ids_sql(struct adopt *x)
{
	if (!x->found.ids_need_change)
		return "";
	return file_read(x->arena,
	    arena_printf(x->arena, "%s/sql/adopt_ids.sql", x->stack.root),
	    /* ret_len= */ NULL);
}

static bool
print_sql(struct adopt *x)
{
	const char *ids = ids_sql(x);

	if (ids == NULL)
		return false;
	printf("-- Run as a superuser, or as a role that may do all of this:\n"
	       "--\tpsql -X -v ON_ERROR_STOP=1%s%s -f FILE DATABASE\n"
	       "-- Then: AUTH_DATABASE_URL=... kedge adopt --run ...\n"
	       "BEGIN;\nSET LOCAL lock_timeout = '10s';\n",
	    x->roles.makes_auth ? " -v auth_password=..." : "",
	    x->roles.makes_owner ? " -v owner_password=..." : "");
	if (*ids != '\0' && !x->roles.transfers)
		printf("SET LOCAL ROLE \"%s\";\n%sRESET ROLE;\n",
		    x->roles.owner, ids);
	else
		fputs(ids, stdout);
	fputs(adopt_roles_sql(x->arena, &x->roles), stdout);
	printf("SET LOCAL ROLE \"%s\";\n%sCOMMIT;\n", x->roles.owner,
	    adopt_record_sql(x->arena, &x->roles,
		x->accepted == NO_LOCKOUT ? 0 : x->accepted));
	return true;
}

/* -- running it -- */

static bool
execute(struct db_script *script, const char *what, const char *sql)
{
	if (*sql == '\0' || db_script_run(script, sql) == ERR_OK)
		return true;
	print_error("%s: %s", what, db_script_problem(script));
	return false;
}

/* A failing statement with a password is not to be in the server's log. */
static bool
quieten(struct adopt *x)
{
	return !x->power.is_superuser ||
	       execute(x->admin_script, "the settings of the session",
		   "SET log_min_error_statement = 'panic';"
		   "SET log_statement = 'none';"
		   "SET log_min_duration_statement = -1");
}

static bool
run_roles(struct adopt *x)
{
	struct arena *a = x->arena;
	const char *ids = ids_sql(x);
	const char *roles = adopt_roles_sql(a, &x->roles);
	const char *record = adopt_record_sql(
	    a, &x->roles, x->accepted == NO_LOCKOUT ? 0 : x->accepted);

	if (ids == NULL || !quieten(x) ||
	    !execute(x->script, "the connection", "SET lock_timeout = '10s'") ||
	    !execute(
		x->admin_script, "the connection", "SET lock_timeout = '10s'"))
		return false;
	if (x->roles.nsteps == 0 && *ids == '\0' && x->facts.is_adopted)
		return true;
	if (x->roles.transfers)
		return execute(x->admin_script, "the ids", ids) &&
		       execute(x->admin_script, "the roles",
			   arena_printf(a, "%sSET LOCAL ROLE auth_owner;\n%s",
			       roles, record));
	/*
	 * Store the record before the roles are made: without a record, "kedge
	 * adopt --undo" could not remove them.
	 */
	return execute(x->script, "the ids", ids) &&
	       execute(x->script, "the record of the adoption", record) &&
	       execute(x->admin_script, "the roles", roles);
}

/* Whether the service will be able to log in and read. */
static bool
check_login(struct adopt *x)
{
	struct db_script *script = connect(x,
	    "the service cannot log in as the role auth (does pg_hba.conf let "
	    "it?)",
	    x->auth_url);
	bool ok;

	if (script == NULL)
		return false;
	ok = execute(script, "the role auth",
	    "SELECT FROM public.\"user\", public.session, public.account,"
	    " public.verification LIMIT 0");
	db_script_close(script);
	return ok;
}

static bool
put_setting(struct adopt *x, const char *name, const char *value)
{
	return value == NULL ||
	       settings_change(x->arena, &x->stack.spec, name, value);
}

/*
 * The plugins of auth that are to be on: the default ones, and those whose
 * users are in the database. NULL: the default is right.
 */
static bool
find_plugins(struct adopt *x, const char **ret_plugins)
{
	bool names = x->facts.usernames > 0;
	bool factors = x->facts.second_factor > 0 ||
	               adopt_find_table(&x->facts, "twoFactor") != NULL;
	struct variable_list list;
	const struct variable *v;

	*ret_plugins = getenv("AUTH_PLUGINS");
	if (*ret_plugins != NULL || (!names && !factors))
		return true;
	if (!variable_list_read(&x->stack, x->stack.spec.verifier, &list))
		return false;
	v = variable_list_find(&list, "AUTH_PLUGINS");
	*ret_plugins = arena_printf(x->arena, "%s%s%s",
	    v != NULL && v->fallback != NULL ? v->fallback
					     : "email-password,admin",
	    names ? ",username" : "", factors ? ",two-factor" : "");
	return true;
}

static bool
write_settings(struct adopt *x)
{
	const char *plugins;

	if (!find_plugins(x, &plugins))
		return false;
	return put_setting(x, "AUTH_MIGRATION_URL", x->owner_url) &&
	       put_setting(x, "AUTH_DATABASE_URL", x->auth_url) &&
	       put_setting(x, "AUTH_SECRET", x->secret) &&
	       put_setting(x, "AUTH_COOKIE_PREFIX", x->live.prefix) &&
	       put_setting(x, "AUTH_URL", x->origin) &&
	       put_setting(x, "AUTH_PLUGINS", plugins) &&
	       put_setting(x, "AUTH_ADDITIONAL_FIELDS",
		   getenv("AUTH_ADDITIONAL_FIELDS"));
}

static bool
check_power(const struct adopt *x, const char *lacks, const char *command)
{
	if (lacks == NULL)
		return true;
	print_error("the role %s is not enough: %s. Name a superuser in "
		    "--admin, or let one run what \"%s\" prints",
	    x->power.user, lacks, command);
	return false;
}

/*
 * A second adoption from another directory makes new passwords, and what runs
 * on the database could not log in any more.
 */
static bool
check_passwords(struct adopt *x)
{
	const char *renewed = x->roles.renewed;
	int64_t hosts;

	if (renewed == NULL)
		return true;
	if (!adopt_hosts_read(x->arena, x->script, &hosts))
		return false;
	if (hosts > 0) {
		print_error("Kedge runs on this database already (on %" PRId64
			    " host%s), and the role %s would get another "
			    "password: %s as the kedge.env there has it, or "
			    "\"kedge down\" there first, and wait five "
			    "minutes if it has crashed",
		    hosts, hosts == 1 ? "" : "s", renewed,
		    str_eq(renewed, "auth")
			? "set AUTH_DATABASE_URL"
			: "name AUTH_MIGRATION_URL in --from");
		return false;
	}
	print_message("The role %s exists already and gets another password: "
		      "the kedge.env of another directory no longer fits",
	    renewed);
	return true;
}

static bool
run(struct adopt *x)
{
	if (!check_power(x, x->roles.lacks, "kedge adopt --sql") ||
	    !check_passwords(x))
		return false;
	/* Only now is everything checked that can be without a change. */
	if (!find_urls(x) || !stack_make(&x->stack) || !run_roles(x))
		return false;
	if (setenv("AUTH_MIGRATION_URL", x->owner_url, /* overwrite= */ 1) != 0)
		abort();
	if (!migrate_service(&x->stack, x->stack.spec.verifier) ||
	    !check_login(x) || !write_settings(x))
		return false;
	if (x->facts.locked_out > 0)
		print_message("Accepted: %s cannot sign in",
		    users(x, x->facts.locked_out));
	print_message("The database is adopted, and %s/%s has the settings. "
		      "BetterAuth may run on.\n"
		      "Next: kedge up --database given",
	    x->stack.dir, SETTINGS_FILE);
	return true;
}

/* -- the way back -- */

static bool
forget_settings(struct adopt *x)
{
	static const char *const names[] = { "AUTH_MIGRATION_URL",
		"AUTH_DATABASE_URL", "AUTH_SECRET", "AUTH_COOKIE_PREFIX",
		"AUTH_ADDITIONAL_FIELDS", "AUTH_URL", "AUTH_PLUGINS" };
	struct environment e = { 0 };
	const char *removed = NULL;

	if (!stack_is_made(&x->stack))
		return true;
	if (!environment_parse_if_exists(x->arena, settings_path(), &e))
		return false;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (environment_find(&e, names[i]) == NULL)
			continue;
		if (!settings_change(x->arena, &x->stack.spec, names[i], NULL))
			return false;
		removed = removed == NULL ? names[i]
		                          : arena_printf(x->arena, "%s, %s",
						removed, names[i]);
	}
	if (removed != NULL)
		print_message("Removed from %s: %s",
		    settings_full_path(x->arena, x->stack.dir), removed);
	return true;
}

static bool
run_back(struct adopt *x, const struct adopt_way_back *back)
{
	if (!execute(x->script, "the connection", "SET lock_timeout = '10s'") ||
	    !execute(x->script, "Kedge's objects", back->owner_sql) ||
	    !execute(x->admin_script, "the roles", back->admin_sql) ||
	    (back->last_sql != NULL &&
		!execute(
		    x->script, "the record of the adoption", back->last_sql)) ||
	    !forget_settings(x))
		return false;
	print_message("The database is BetterAuth's alone again. Users, "
		      "passwords and sessions of the meantime stay, and so do "
		      "the columns that Kedge has added, which may be NULL.\n"
		      "To go on with Kedge, on a database of its own: kedge up "
		      "--database private");
	return true;
}

static bool
go_back(struct adopt *x)
{
	struct adopt_way_back back;

	if (!open_databases(x) ||
	    !adopt_way_back_read(x->arena, x->script, &back) ||
	    !adopt_power_read(x->arena, x->admin_script, &x->power))
		return false;
	if (!back.is_adopted) {
		print_error("\"kedge adopt\" has not adopted this database, or "
			    "it was undone: there is no table kedge_adoption");
		return false;
	}
	if (!x->run) {
		printf("-- as the owner of the tables\n%s-- as the "
		       "administrator\n%s%s%s",
		    back.owner_sql, back.admin_sql,
		    back.last_sql != NULL ? "-- as the owner again\n" : "",
		    back.last_sql != NULL ? back.last_sql : "");
		if (!x->sql)
			print_message("-- \"kedge adopt --undo --run\" runs "
				      "this; first stop Kedge");
		return true;
	}
	if (back.hosts > 0) {
		print_error("auth of Kedge still runs on this database (on "
			    "%" PRId64 " host%s): \"kedge down\" first, and "
			    "wait five minutes if it has crashed",
		    back.hosts, back.hosts == 1 ? "" : "s");
		return false;
	}
	return check_power(x, adopt_way_back_lacks(x->arena, &back, &x->power),
		   "kedge adopt --undo --sql") &&
	       run_back(x, &back);
}

/* -- the command -- */

static void
print_look(struct adopt *x)
{
	struct buf b;

	if (x->json) {
		buf_init(&b, x->arena, FILE_MAX_BYTES);
		adopt_write_json(&b, &x->facts, &x->found,
		    x->accepted == NO_LOCKOUT ? 0 : x->accepted);
		fputs(b.data, stdout);
		return;
	}
	adopt_print(&x->facts, &x->found);
	if (adopt_count(&x->found, ADOPT_STOP) == 0)
		print_plan(x);
	print_cookie(x);
}

/* Settings that auth would refuse, or read in another way. */
static void
check_settings(struct adopt *x)
{
	static const char *const variables[] = { "AUTH_URL",
		"BETTER_AUTH_URL" };
	const char *name = "--url", *url = x->url;

	for (size_t i = 0; url == NULL && i < COUNT_OF(variables); i++) {
		name = variables[i];
		url = first_set(name, NULL, NULL);
	}
	if (url != NULL)
		x->origin = adopt_check_url(&x->facts, name, url, &x->found);
	adopt_check_settings(&x->stack, &x->facts, &x->found);
}

static bool
look(struct adopt *x)
{
	if (!open_databases(x) || !adopt_look(x->arena, x->script, &x->facts) ||
	    !adopt_power_read(x->arena, x->admin_script, &x->power))
		return false;
	adopt_find(&x->facts, &x->found);
	check_settings(x);
	x->auth_password = secret_new(x->arena);
	x->owner_password = secret_new(x->arena);
	plan(x);
	return true;
}

static bool
adopt(struct adopt *x)
{
	bool ok;

	if (!open_stack(x))
		return false;
	if (x->undo)
		return go_back(x);
	if (!read_secret(x) || !look(x))
		return false;
	ok = check_cookie(x);
	if (!x->sql)
		print_look(x);
	if (!ok || !check_reasons(x))
		return false;
	if (!x->sql && !x->run)
		return x->roles.problem == NULL;
	if (!check_plan(x))
		return false;
	return x->sql ? print_sql(x) : run(x);
}

int
adopt_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct adopt *x = arena_alloc(a, sizeof(*x));
	int status = OPTIONS_USAGE;

	x->arena = a;
	if (read_options(x, argc, argv)) {
		status = adopt(x) ? 0 : 1;
		close_databases(x);
	}
	arena_free(a);
	return status;
}

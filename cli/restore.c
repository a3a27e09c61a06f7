#include "restore.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"
#include "db/db_login.h"
#include "db/db_script.h"

#include "backup_manifest.h"
#include "command.h"
#include "database_url.h"
#include "file.h"
#include "lock.h"
#include "message.h"
#include "migrate.h"
#include "options.h"
#include "restart.h"
#include "restore_secrets.h"
#include "stack.h"

struct restore {
	struct stack stack;
	const char *dir; /* the backup */
	const char *identity; /* file with the key of the secrets; or NULL */
	struct backup_manifest manifest;
};

/* -- is the backup complete? -- */

static bool
check_file(const struct restore *r, const struct backup_file *expected)
{
	struct backup_file found;

	if (!backup_file_read(r->stack.arena, r->dir, expected->name, &found))
		return false;
	if (found.bytes == expected->bytes &&
	    str_eq(found.sha256, expected->sha256))
		return true;
	print_error("%s/%s is damaged: it has %lld bytes and SHA-256 %s; the "
		    "manifest says %lld and %s",
	    r->dir, expected->name, (long long)found.bytes, found.sha256,
	    (long long)expected->bytes, expected->sha256);
	return false;
}

static bool
check_files(const struct restore *r)
{
	bool ok = true;
	int i;

	for (i = 0; i < r->manifest.ndatabases; i++)
		ok = check_file(r, &r->manifest.databases[i].file) && ok;
	if (r->manifest.secrets.name != NULL)
		ok = check_file(r, &r->manifest.secrets) && ok;
	return ok;
}

static struct restore_secrets
secrets_of(const struct restore *r)
{
	const char *name = r->manifest.secrets.name;

	return (struct restore_secrets){
		.stack = &r->stack,
		.archive = name == NULL ? NULL
		                        : arena_printf(r->stack.arena, "%s/%s",
					      r->dir, name),
		.identity = r->identity,
	};
}

/* -- databases -- */

static bool
print_problem(const char *service, struct db_script *script)
{
	print_error("%s: %s", service, db_script_problem(script));
	return false;
}

/* Connects as administrator; `database` NULL: not to a service's database. */
static struct db_script *
connect_to(const struct restore *r, const struct spec_service *service,
    const char *database)
{
	const char *url = database_admin_url(&r->stack, service, database);
	struct db_script *script;
	const char *problem;

	if (url == NULL)
		return NULL;
	if (db_script_open(r->stack.arena, url, &script, &problem) == ERR_OK)
		return script;
	print_error("%s: %s", service->name, problem);
	return NULL;
}

/* Runs a command whose arguments are names; the server quotes them. */
static bool
run_named(const struct restore *r, struct db_script *admin, const char *service,
    const char *format_sql, struct db_args names)
{
	struct db_rows rows;

	return (db_script_query(admin, r->stack.arena, format_sql, names,
		    &rows) == ERR_OK &&
		   db_script_run(admin, db_get_text(&rows, 0, 0)) == ERR_OK) ||
	       print_problem(service, admin);
}

static bool
drop(const struct restore *r, struct db_script *admin, const char *service,
    const char *database)
{
	return run_named(r, admin, service,
	    "SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)',"
	    " $1::text)",
	    DB_ARGS(database));
}

static bool
run_pg_restore(const struct restore *r, const struct spec_service *service,
    const struct backup_database *d, const char *database, bool with_owners)
{
	struct arena *a = r->stack.arena;
	const char *argv[10] = { "pg_restore", "--exit-on-error",
		"--single-transaction", "--no-password", "-d", database };
	int n = 6;

	if (!with_owners) {
		argv[n++] = "--no-owner";
		argv[n++] = "--no-privileges";
	}
	argv[n] = arena_printf(a, "%s/%s", r->dir, d->file.name);
	return command_check(a,
	    &(struct command){ .argv = argv,
		.url = database_admin_url(&r->stack, service, database) },
	    /* ret_output= */ NULL);
}

static bool
compare(const struct restore *r, const struct spec_service *service,
    const struct backup_database *d, const char *database)
{
	struct db_script *script = connect_to(r, service, database);
	struct backup_content found;
	bool ok = false;

	if (script == NULL)
		return false;
	if (db_script_run(script,
		"BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY") != ERR_OK)
		print_problem(service->name, script);
	else
		ok = backup_content_read(r->stack.arena, script, &found) &&
		     backup_content_compare(service->name, &d->content, &found);
	db_script_close(script);
	return ok;
}

/* Restores into a new database, and compares it with the manifest. */
static bool
load(const struct restore *r, struct db_script *admin,
    const struct spec_service *service, const struct backup_database *d,
    const char *database, bool with_owners)
{
	return drop(r, admin, service->name, database) &&
	       run_named(r, admin, service->name,
		   "SELECT format('CREATE DATABASE %I TEMPLATE template0"
		   " ENCODING ''UTF8''', $1::text)",
		   DB_ARGS(database)) &&
	       run_pg_restore(r, service, d, database, with_owners) &&
	       compare(r, service, d, database);
}

/*
 * Only one restore at a time: the names of the databases that it makes are
 * fixed, so that those of an interrupted one are found and dropped. The kernel
 * releases the lock when this process ends.
 */
static bool
take_lock(const struct restore *r)
{
	const char *path =
	    arena_printf(r->stack.arena, "%s/restore.lock", r->stack.dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1) {
		print_error("cannot open %s: %s", path, strerror(errno));
		return false;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	print_error("another restore runs");
	return false;
}

static int64_t
rows_of(const struct backup_database *d)
{
	int64_t rows = 0;
	int i;

	for (i = 0; i < d->content.ntables; i++)
		rows += d->content.tables[i].rows;
	return rows;
}

/* The service of a database in the backup. NULL: an error was printed. */
static const struct spec_service *
service_of(const struct restore *r, const struct backup_database *d)
{
	const struct spec_service *service =
	    spec_find(&r->stack.spec, d->service);

	if (service == NULL || !service->needs_postgres) {
		print_error("the backup has a database of %s, which kedge.json "
			    "does not have",
		    d->service);
		return NULL;
	}
	return service;
}

static bool
verify_one(const struct restore *r, const struct backup_database *d)
{
	const struct spec_service *service = service_of(r, d);
	const char *database =
	    arena_printf(r->stack.arena, "kedge_verify_%s", d->service);
	struct db_script *admin;
	bool ok;

	if (service == NULL)
		return false;
	admin = connect_to(r, service, /* database= */ NULL);
	if (admin == NULL)
		return false;
	ok = load(r, admin, service, d, database, /* with_owners= */ false);
	ok = drop(r, admin, service->name, database) && ok;
	db_script_close(admin);
	if (ok)
		print_message("%s: %d tables with %lld rows are as in the "
			      "backup%s",
		    d->service, d->content.ntables, (long long)rows_of(d),
		    d->content.ledger.exists ? ", and the ledger is consistent"
					     : "");
	return ok;
}

static bool
verify(const struct restore *r)
{
	bool ok = true;
	int i;

	for (i = 0; i < r->manifest.ndatabases; i++)
		ok = verify_one(r, &r->manifest.databases[i]) && ok;
	if (ok)
		print_message("%s can be restored", r->dir);
	return ok;
}

/* -- restoring -- */

/* The name of the service's present database. */
static const char *
present_name(const struct restore *r, const struct spec_service *service)
{
	const char *url = database_owner_url(&r->stack, service);
	struct db_login login;

	if (url == NULL || !db_login_read(r->stack.arena, url, &login))
		return NULL;
	return login.database != NULL ? login.database : service->name;
}

static const char *
old_name(const struct restore *r, const char *name)
{
	char text[32];
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y%m%d_%H%M%S", &tm) == 0)
		abort();
	return arena_printf(r->stack.arena, "%s_before_%s", name, text);
}

static bool
print_plan(const struct restore *r)
{
	const struct spec_service *service;
	const struct backup_database *d;
	int i;

	for (i = 0; i < r->manifest.ndatabases; i++) {
		d = &r->manifest.databases[i];
		service = service_of(r, d);
		if (service == NULL)
			return false;
		print_message(
		    "%s: the database %s is renamed to %s_before_..., "
		    "and the one of the backup (%d tables, %lld "
		    "rows, made %s) takes its place",
		    d->service, present_name(r, service),
		    present_name(r, service), d->content.ntables,
		    (long long)rows_of(d), r->manifest.created_at);
	}
	print_message("Then the caches are emptied, and the services start "
		      "again. What was written after the backup is only in "
		      "the renamed databases.");
	return true;
}

/*
 * Puts the loaded database in the place of the present one. ALTER DATABASE ...
 * RENAME needs a database without connections.
 */
static bool
swap(const struct restore *r, struct db_script *admin,
    const struct spec_service *service, const char *loaded)
{
	const char *name = present_name(r, service);
	const char *old = old_name(r, name);
	const char *app = service->name;
	struct db_rows rows;

	if (db_script_query(admin, r->stack.arena,
		"SELECT format('ALTER DATABASE %I ALLOW_CONNECTIONS false',"
		" datname) FROM pg_database WHERE datname = $1",
		DB_ARGS(name), &rows) != ERR_OK)
		return print_problem(app, admin);
	if (rows.count == 1) {
		if (db_script_run(admin, db_get_text(&rows, 0, 0)) != ERR_OK ||
		    db_script_query(admin, r->stack.arena,
			"SELECT pg_terminate_backend(pid, 10000)"
			" FROM pg_stat_activity WHERE datname = $1",
			DB_ARGS(name), &rows) != ERR_OK)
			return print_problem(app, admin);
		if (!run_named(r, admin, app,
			"SELECT format('ALTER DATABASE %I RENAME TO %I',"
			" $1::text, $2::text)",
			DB_ARGS(name, old)))
			return false;
		print_message("%s: the old database is %s; \"DROP DATABASE "
			      "%s\" removes it",
		    app, old, old);
	}
	return run_named(r, admin, app,
	    "SELECT format('ALTER DATABASE %1$I RENAME TO %2$I;"
	    " ALTER DATABASE %2$I OWNER TO %3$I;"
	    " REVOKE ALL ON DATABASE %2$I FROM PUBLIC;"
	    " GRANT CONNECT ON DATABASE %2$I TO %4$I',"
	    " $1::text, $2::text, $3::text, $4::text)",
	    DB_ARGS(loaded, name, arena_printf(r->stack.arena, "%s_owner", app),
		app));
}

/* Empties the caches, and replaces all processes. */
static bool
start_again(const struct restore *r)
{
	struct arena *a = r->stack.arena;
	const char *const units[] = { "systemctl", "try-restart",
		"kedge-*.service", NULL };
	const struct spec_service *service;
	int i;

	if (r->stack.is_system)
		return command_check(
		    a, &(struct command){ .argv = units }, NULL);
	for (i = 0; i < r->stack.spec.nservices; i++) {
		service = &r->stack.spec.services[i];
		if (service->needs_postgres && !service->external &&
		    !migrate_service(&r->stack, service))
			return false;
		if (service->needs_redis) {
			const char *const flush[] = { "redis-cli", "-s",
				arena_printf(
				    a, "run/redis-%s.sock", service->name),
				"FLUSHALL", NULL };
			const char *answer;

			if (!command_check(
				a, &(struct command){ .argv = flush }, &answer))
				return false;
		}
		if (spec_is_own(service) && lock_holder() != 0 &&
		    !restart_workers(&r->stack, service->name))
			return false;
	}
	return true;
}

static bool
restore_all(const struct restore *r)
{
	const struct spec_service *service;
	const struct backup_database *d;
	struct db_script *admin;
	const char *loaded;
	bool ok = true;
	int i, step;

	/* First all are loaded and compared, then all are put in place. */
	for (step = 0; ok && step < 2; step++) {
		for (i = 0; ok && i < r->manifest.ndatabases; i++) {
			d = &r->manifest.databases[i];
			service = service_of(r, d);
			if (service == NULL)
				return false;
			admin = connect_to(r, service, /* database= */ NULL);
			if (admin == NULL)
				return false;
			loaded = arena_printf(
			    r->stack.arena, "kedge_restored_%s", d->service);
			ok = step == 0 ? load(r, admin, service, d, loaded,
					     /* with_owners= */ true)
			               : swap(r, admin, service, loaded);
			db_script_close(admin);
		}
	}
	if (!ok || !start_again(r))
		return false;
	print_message("%s was restored", r->dir);
	return true;
}

/* -- the command -- */

static bool
open_restore(struct restore *r, struct arena *a, const struct options *o)
{
	char resolved[PATH_MAX];

	if (realpath(o->args[0], resolved) == NULL) {
		print_error("there is no backup %s", o->args[0]);
		return false;
	}
	r->dir = arena_strdup(a, resolved);
	if (o->identity != NULL && realpath(o->identity, resolved) == NULL) {
		print_error("--identity: there is no file %s", o->identity);
		return false;
	}
	if (o->identity != NULL)
		r->identity = arena_strdup(a, resolved);
	return backup_manifest_read(
		   a, r->dir, /* quiet= */ false, &r->manifest) &&
	       stack_open_either(&r->stack, a, o->dir, o->system) &&
	       (r->stack.is_system || stack_enter(&r->stack));
}

static bool
refuse_without_yes(void)
{
	print_error("nothing was changed; \"--yes\" does it");
	return false;
}

static bool
run(const struct restore *r, const struct options *o)
{
	const struct restore_secrets secrets = secrets_of(r);

	if (!check_files(r) ||
	    (r->identity != NULL && !restore_secrets_check(&secrets)))
		return false;
	if (o->verify)
		return take_lock(r) && verify(r);
	if (o->secrets)
		return o->yes ? restore_secrets_put_back(&secrets)
		              : refuse_without_yes();
	if (!print_plan(r))
		return false;
	return o->yes ? take_lock(r) && restore_all(r) : refuse_without_yes();
}

int
restore_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct restore *r = arena_alloc(a, sizeof(*r));
	struct options o;
	int status = 1;

	if (!options_read(&o, argc, argv,
		OPTIONS_DIR | OPTIONS_SYSTEM | OPTIONS_VERIFY | OPTIONS_YES |
		    OPTIONS_IDENTITY,
		/* args_max= */ 1)) {
		status = OPTIONS_USAGE;
	} else if (o.nargs == 0) {
		print_error("restore: name the directory of a backup; see "
			    "\"kedge restore --help\"");
		status = OPTIONS_USAGE;
	} else if (o.secrets && (o.identity == NULL || o.verify)) {
		print_error(
		    o.verify
			? "restore: either --verify or --secrets; see \"kedge "
			  "restore --help\""
			: "restore: --secrets needs --identity FILE, the "
			  "private key; see \"kedge restore --help\"");
		status = OPTIONS_USAGE;
	} else if (open_restore(r, a, &o)) {
		status = run(r, &o) ? 0 : 1;
	}
	arena_free(a);
	return status;
}

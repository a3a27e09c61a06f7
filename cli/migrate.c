#include "migrate.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "db/db_script.h"
#include "db/db_url.h"

#include "file.h"
#include "migration.h"
#include "options.h"
#include "postgres.h"
#include "rights.h"
#include "say.h"

enum { FILES_MAX = 1000 };

/* One service's run. */
struct run {
	const struct stack *stack;
	const struct spec_service *service;
	struct arena *arena;
	struct db_script *script;
	struct migration files[FILES_MAX];
	int nfiles;
	int napplied; /* of the files; they are the first */
};

/* The files */

static bool
is_sql(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 4 &&
	       str_eq(entry->d_name + len - 4, ".sql");
}

static int
select_sql(const struct dirent *entry)
{
	return is_sql(entry) ? 1 : 0;
}

static int64_t
version_of(const char *name)
{
	int64_t n = 0;
	int i;

	for (i = 0; i < 4; i++) {
		if (name[i] < '0' || name[i] > '9')
			return 0;
		n = n * 10 + (name[i] - '0');
	}
	return name[4] == '_' ? n : 0;
}

static bool
add_file(struct run *r, const char *dir, const char *name)
{
	struct migration *f = &r->files[r->nfiles];
	const char *path = arena_printf(r->arena, "%s/%s", dir, name);
	size_t len;

	f->version = version_of(name);
	if (f->version == 0) {
		complain("%s/%s: a migration is named NNNN_what.sql, from 0001",
		    dir, name);
		return false;
	}
	if (r->nfiles > 0 && f->version == f[-1].version) {
		complain(
		    "%s/%s: %s has the same number", dir, name, f[-1].name);
		return false;
	}
	f->name = arena_strdup(r->arena, name);
	f->text = file_read(r->arena, path, &len);
	if (f->text == NULL || !migration_check_former(f, path))
		return false;
	sha256_hex(f->text, len, f->checksum);
	r->nfiles++;
	return true;
}

static bool
read_files(struct run *r)
{
	const char *dir = arena_printf(
	    r->arena, "%s/sql/%s", r->stack->root, r->service->name);
	struct dirent **entries;
	bool ok = true;
	int n, i;

	n = scandir(dir, &entries, select_sql, alphasort);
	if (n == -1) {
		complain("cannot read %s: %s", dir, strerror(errno));
		return false;
	}
	if (n > FILES_MAX) {
		complain("%s: more than %d files", dir, FILES_MAX);
		ok = false;
	}
	for (i = 0; i < n; i++) {
		ok = ok && add_file(r, dir, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return ok;
}

/* The database */

static bool
complain_of_database(const struct run *r)
{
	complain("%s: %s", r->service->name, db_script_problem(r->script));
	return false;
}

static bool
execute(struct run *r, const char *sql)
{
	return db_script_run(r->script, sql) == ERR_OK ||
	       complain_of_database(r);
}

static bool
query(struct run *r, const char *sql, struct db_rows *ret_rows)
{
	return db_script_query(
		   r->script, r->arena, sql, DB_NO_ARGS, ret_rows) == ERR_OK ||
	       complain_of_database(r);
}

static bool
open_database(struct run *r)
{
	const char *name =
	    arena_printf(r->arena, "%s_MIGRATION_URL", r->service->variable);
	const char *url = getenv(name);
	const char *problem = url == NULL ? NULL : db_url_problem(url);

	if (problem != NULL) {
		complain("%s: %s", name, problem);
		return false;
	}

	if (url == NULL && !file_exists(POSTGRES_SOCKET)) {
		complain("cannot migrate %s: nothing runs in %s; \"kedge up\" "
			 "starts it",
		    r->service->name, r->stack->dir);
		return false;
	}
	if (url == NULL)
		url = postgres_url(r->stack,
		    arena_printf(r->arena, "%s_owner", r->service->name),
		    /* password= */ NULL, r->service->name);
	if (db_script_open(r->arena, url, &r->script, &problem) == ERR_OK)
		return true;
	complain("cannot migrate %s: %s", r->service->name, problem);
	return false;
}

/*
 * Row i of what has been run, against file i: the numbers have gaps, but of two
 * lists that begin alike, the shorter one is the whole beginning of the other.
 */
static bool
check_applied(struct run *r, const struct db_rows *rows, int i)
{
	const struct migration *f = &r->files[i];
	const char *name = db_get_text(rows, i, 1);
	int64_t version = db_get_i64(rows, i, 0);

	if (i >= r->nfiles)
		return true; /* a later release has run it */
	if (version > f->version) {
		complain("%s: kedge_migration has no version %lld, but later "
			 "ones",
		    r->service->name, (long long)f->version);
		return false;
	}
	if (version < f->version) {
		complain("%s: %s has been run, and sql/%s/ has no file of that "
			 "number",
		    r->service->name, name, r->service->name);
		return false;
	}
	if (!str_eq(name, f->name) ||
	    !migration_has_been(f, db_get_text(rows, i, 2))) {
		complain("%s: %s is not what was run as %s; a migration that "
			 "has been run must stay as it is",
		    r->service->name, f->name, name);
		return false;
	}
	return true;
}

static bool
read_applied(struct run *r)
{
	struct db_rows rows;
	int i;

	r->napplied = 0;
	if (!query(r, "SELECT to_regclass('public.kedge_migration')", &rows))
		return false;
	if (db_is_null(&rows, 0, 0))
		return true;
	if (!query(r,
		"SELECT version, name, checksum FROM public.kedge_migration"
		" ORDER BY version",
		&rows))
		return false;
	for (i = 0; i < rows.count; i++)
		if (!check_applied(r, &rows, i))
			return false;
	r->napplied = rows.count < r->nfiles ? rows.count : r->nfiles;
	return true;
}

/* Under the lock; so it looks again at what has been run. */
static bool
apply_pending(struct run *r)
{
	struct migration_run m = {
		.script = r->script,
		.arena = r->arena,
		.service = r->service->name,
	};
	int i;

	if (!migration_read_patience(&m.patience_ms) || !migration_lock(&m) ||
	    !execute(r, "CREATE TABLE IF NOT EXISTS public.kedge_migration ("
			" version integer PRIMARY KEY CHECK (version > 0),"
			" name text NOT NULL,"
			" checksum text NOT NULL,"
			" applied_at timestamptz NOT NULL DEFAULT now())") ||
	    !read_applied(r))
		return false;
	for (i = r->napplied; i < r->nfiles; i++)
		if (!migration_apply(&m, &r->files[i]))
			return false;
	return true;
}

/* What files of several services ask, and where names are looked for. */
static bool
set_up_session(struct run *r)
{
	return execute(r, arena_printf(r->arena, "SET kedge.service = '%s'",
			      r->service->name)) &&
	       execute(r, "SET search_path = public, pg_temp");
}

bool
migrate_service(const struct stack *s, const struct spec_service *service)
{
	struct arena *a = arena_new();
	struct run *r = arena_alloc(a, sizeof(*r));
	bool ok;

	r->stack = s;
	r->service = service;
	r->arena = a;
	ok = read_files(r) && open_database(r) && set_up_session(r) &&
	     rights_secure(r->script, a, service->name) && read_applied(r) &&
	     (r->napplied == r->nfiles || apply_pending(r));
	db_script_close(r->script);
	arena_free(a);
	return ok;
}

/* The command */

static bool
migrate_all(const struct stack *s, const char *only)
{
	const struct spec_service *service;
	int i;

	if (only != NULL && spec_find(&s->spec, only) == NULL) {
		complain("there is no service %s", only);
		return false;
	}
	for (i = 0; i < s->spec.nservices; i++) {
		service = &s->spec.services[i];
		if (only != NULL && !str_eq(only, service->name))
			continue;
		if (service->needs_postgres && !migrate_service(s, service))
			return false;
	}
	return true;
}

int
migrate_command(int argc, char **argv)
{
	struct options options;
	struct arena *a = arena_new();
	struct stack s;
	bool ok;

	ok = options_read(
		 &options, argc, argv, OPTIONS_DIR, /* args_max= */ 1) &&
	     stack_open(&s, a, options.dir) && stack_enter(&s) &&
	     migrate_all(&s, options.nargs > 0 ? options.args[0] : NULL);
	if (ok)
		say("the databases are up to date");
	arena_free(a);
	return ok ? 0 : 1;
}

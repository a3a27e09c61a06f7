#include "migrate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "db/db_script.h"
#include "db/db_url.h"

#include "connections.h"
#include "file.h"
#include "message.h"
#include "migration.h"
#include "migration_folder.h"
#include "privileges.h"

/* The library's folders in sql/, in the order in which their files are run. */
static const char *const libraries[] = { "base", "job", "audit" };

enum { BASE, JOB, AUDIT, NLIBRARIES, OWN = NLIBRARIES, NFOLDERS };

static_assert(COUNT_OF(libraries) == NLIBRARIES, "a name for each");

/* The migrations of one service. */
struct run {
	const struct stack *stack;
	const struct spec_service *service;
	struct migration_run with;
	struct migration_folder folders[NFOLDERS];
};

static bool
read_folders(struct run *r)
{
	struct migration_folder *f;
	int i;

	for (i = 0; i < NFOLDERS; i++) {
		f = &r->folders[i];
		f->is_library = i != OWN;
		f->name = f->is_library ? libraries[i] : r->service->name;
		if (!migration_folder_read(f, r->with.arena, r->stack->root))
			return false;
	}
	return true;
}

/*
 * Whether the folder's files are for this service: those of sql/job and
 * sql/audit are only for services with worker processes, which run the jobs and
 * chain the audit log.
 */
static bool
is_wanted(const struct run *r, int folder)
{
	return (folder != JOB && folder != AUDIT) || r->service->workers > 0;
}

static bool
print_database_error(const struct run *r)
{
	print_error(
	    "%s: %s", r->service->name, db_script_problem(r->with.script));
	return false;
}

static bool
execute(struct run *r, const char *sql)
{
	return db_script_run(r->with.script, sql) == ERR_OK ||
	       print_database_error(r);
}

/*
 * The connection string that the operator has set for the migrations, in the
 * variable NAME_MIGRATION_URL or, on a host, in the file of that name. NULL:
 * there is none.
 */
static const char *
find_url(struct arena *a, const struct stack *s, const char *name)
{
	const char *url = getenv(name);
	char *text;

	if (url != NULL || !s->is_system)
		return url;
	text = file_find(a, arena_printf(a, SYSTEM_MIGRATION_DIR "/%s", name),
	    /* ret_len= */ NULL);
	if (text != NULL)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

const char *
migrate_url_variable(struct arena *a, const struct spec_service *service)
{
	return arena_printf(a, "%s_MIGRATION_URL", service->variable);
}

static bool
open_database(struct run *r)
{
	struct arena *a = r->with.arena;
	const char *name = migrate_url_variable(a, r->service);
	const char *url = find_url(a, r->stack, name);
	const char *problem = url == NULL ? NULL : db_url_problem(url);

	if (problem != NULL) {
		print_error("%s: %s", name, problem);
		return false;
	}
	if (url == NULL && !r->stack->is_system &&
	    !file_exists(POSTGRES_SOCKET)) {
		print_error(
		    "cannot migrate %s: nothing runs in %s; \"kedge up\" "
		    "starts it",
		    r->service->name, r->stack->dir);
		return false;
	}
	if (url == NULL)
		url = connections_url(r->stack,
		    arena_printf(a, "%s_owner", r->service->name),
		    /* password= */ NULL, r->service->name);
	if (db_script_open(a, url, &r->with.script, &problem) == ERR_OK)
		return true;
	print_error("cannot migrate %s: %s", r->service->name, problem);
	return false;
}

static bool
check_folders(struct run *r)
{
	int i;

	for (i = 0; i < NFOLDERS; i++)
		if (is_wanted(r, i) && !migration_folder_check(&r->folders[i],
					   &r->with, r->folders, NLIBRARIES))
			return false;
	return true;
}

static bool
is_pending(const struct run *r)
{
	int i;

	for (i = 0; i < NFOLDERS; i++)
		if (is_wanted(r, i) &&
		    r->folders[i].napplied < r->folders[i].nfiles)
			return true;
	return false;
}

static bool
adopt_libraries(struct run *r)
{
	int i;

	for (i = 0; i < NLIBRARIES; i++)
		if (is_wanted(r, i) &&
		    !migration_folder_adopt(&r->folders[i], &r->with))
			return false;
	return true;
}

/*
 * Takes the lock, and then reads again which files have been run: another
 * migration may have run some before the lock was taken.
 */
static bool
apply_pending(struct run *r)
{
	int i;

	if (!migration_read_timeout(&r->with.timeout_ms) ||
	    !migration_lock(&r->with) ||
	    !migration_folder_make_tables(&r->with) || !adopt_libraries(r) ||
	    !check_folders(r))
		return false;
	for (i = 0; i < NFOLDERS; i++)
		if (is_wanted(r, i) &&
		    !migration_folder_apply(&r->folders[i], &r->with))
			return false;
	return true;
}

/*
 * Sets the parameters kedge.service, which the library's files read, and
 * search_path.
 */
static bool
set_up_session(struct run *r)
{
	return execute(r, arena_printf(r->with.arena,
			      "SET kedge.service = '%s'", r->service->name)) &&
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
	r->with.arena = a;
	r->with.service = service->name;
	ok = read_folders(r) && open_database(r) && set_up_session(r) &&
	     privileges_secure(r->with.script, a, service->name) &&
	     check_folders(r) && (!is_pending(r) || apply_pending(r));
	db_script_close(r->with.script);
	arena_free(a);
	return ok;
}

bool
migrate_look(const struct stack *s, const struct spec_service *service,
    struct migrate_look *ret)
{
	struct arena *a = s->arena;
	struct run *r = arena_alloc(a, sizeof(*r));
	int i;

	*ret = (struct migrate_look){ 0 };
	r->stack = s;
	r->service = service;
	r->with.arena = a;
	r->with.service = service->name;
	if (!read_folders(r) || !open_database(r))
		return false;
	ret->script = r->with.script;
	if (!set_up_session(r) || !check_folders(r)) {
		db_script_close(ret->script);
		return false;
	}
	for (i = 0; i < NFOLDERS; i++) {
		const struct migration_folder *f = &r->folders[i];

		if (!is_wanted(r, i))
			continue;
		ret->napplied += f->napplied;
		if (f->napplied >= f->nfiles)
			continue;
		if (ret->npending == 0)
			ret->first = f->files[f->napplied].name;
		ret->npending += f->nfiles - f->napplied;
	}
	return true;
}

static bool
count_adoptable(struct run *r)
{
	int i;

	for (i = 0; i < NLIBRARIES; i++)
		if (is_wanted(r, i) &&
		    !migration_folder_count_adoptable(&r->folders[i], &r->with))
			return false;
	return true;
}

static bool
visit_pending(struct run *r,
    bool (*visit)(void *ctx, const char *folder, const struct migration *m),
    void *ctx)
{
	const struct migration_folder *f;
	int i, k;

	for (i = 0; i < NFOLDERS; i++) {
		f = &r->folders[i];
		for (k = f->napplied; is_wanted(r, i) && k < f->nfiles; k++)
			if (!visit(ctx, f->name, &f->files[k]))
				return false;
	}
	return true;
}

bool
migrate_each_pending(const struct stack *s, const struct spec_service *service,
    bool (*visit)(void *ctx, const char *folder, const struct migration *m),
    void *ctx)
{
	struct arena *a = arena_new();
	struct run *r = arena_alloc(a, sizeof(*r));
	bool ok;

	r->stack = s;
	r->service = service;
	r->with.arena = a;
	r->with.service = service->name;
	ok = read_folders(r) && open_database(r) && set_up_session(r) &&
	     check_folders(r) && count_adoptable(r) &&
	     visit_pending(r, visit, ctx);
	db_script_close(r->with.script);
	arena_free(a);
	return ok;
}

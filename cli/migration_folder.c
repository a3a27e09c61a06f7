#include "migration_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "db/db_script.h"

#include "file.h"
#include "message.h"
#include "migration.h"

/* -- the files -- */

static int
select_sql(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 4 &&
	       str_eq(entry->d_name + len - 4, ".sql");
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
add_file(struct migration_folder *f, struct arena *a, const char *dir,
    const char *name)
{
	struct migration *m = &f->files[f->nfiles];
	const char *path = arena_printf(a, "%s/%s", dir, name);
	size_t len;

	m->version = version_of(name);
	if (m->version == 0) {
		print_error(
		    "%s: a migration is named NNNN_what.sql, from 0001", path);
		return false;
	}
	if (f->nfiles > 0 && m->version == m[-1].version) {
		print_error("%s: %s has the same number", path, m[-1].name);
		return false;
	}
	m->name = arena_strdup(a, name);
	m->text = file_read(a, path, &len);
	if (m->text == NULL || !migration_file_check(m, path))
		return false;
	sha256_hex(m->text, len, m->checksum);
	f->nfiles++;
	return true;
}

bool
migration_folder_read(
    struct migration_folder *f, struct arena *a, const char *root)
{
	const char *dir = arena_printf(a, "%s/sql/%s", root, f->name);
	struct dirent **entries;
	bool ok = true;
	int n, i;

	n = scandir(dir, &entries, select_sql, alphasort);
	if (n == -1) {
		print_error("cannot read %s: %s", dir, strerror(errno));
		return false;
	}
	if (n > MIGRATION_FILES_MAX) {
		print_error("%s: more than %d files", dir, MIGRATION_FILES_MAX);
		ok = false;
	}
	for (i = 0; i < n; i++) {
		ok = ok && add_file(f, a, dir, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return ok;
}

/* -- the record -- */

static bool
print_database_error(const struct migration_run *r)
{
	print_error("%s: %s", r->service, db_script_problem(r->script));
	return false;
}

static bool
query(const struct migration_run *r, const char *sql, struct db_args args,
    struct db_rows *ret_rows)
{
	return db_script_query(r->script, r->arena, sql, args, ret_rows) ==
	           ERR_OK ||
	       print_database_error(r);
}

static const char *
table_of(const struct migration_folder *f)
{
	return f->is_library ? "kedge_library_migration" : "kedge_migration";
}

bool
migration_folder_make_tables(const struct migration_run *r)
{
	static const char sql[] =
	    "CREATE TABLE IF NOT EXISTS public.kedge_migration ("
	    " version integer PRIMARY KEY CHECK (version > 0),"
	    " name text NOT NULL,"
	    " checksum text NOT NULL,"
	    " applied_at timestamptz NOT NULL DEFAULT now());"
	    "CREATE TABLE IF NOT EXISTS public.kedge_library_migration ("
	    " folder text,"
	    " version integer CHECK (version > 0),"
	    " name text NOT NULL,"
	    " checksum text NOT NULL,"
	    " applied_at timestamptz NOT NULL DEFAULT now(),"
	    " PRIMARY KEY (folder, version))";

	return db_script_run(r->script, sql) == ERR_OK ||
	       print_database_error(r);
}

/*
 * Reads the rows of kedge_migration: version, name, checksum and time.  The
 * rows of fill_gaps() are left out.
 */
static bool
read_own(const struct migration_run *r, struct db_rows *ret_rows)
{
	return query(r,
	    "SELECT version, name, checksum, applied_at"
	    " FROM public.kedge_migration WHERE checksum <> ''"
	    " ORDER BY version",
	    DB_NO_ARGS, ret_rows);
}

/*
 * The release whose library files were symbolic links does not start on a
 * database whose kedge_migration lacks a number.  So a database that it has
 * migrated gets a row with an empty checksum for each number that no file has.
 * Such a database has library files in kedge_migration, where they have other
 * names than in kedge_library_migration.
 */
static bool
fill_gaps(const struct migration_run *r)
{
	static const char sql[] =
	    "INSERT INTO public.kedge_migration (version, name, checksum)"
	    " SELECT v, '(no file has this number)', ''"
	    " FROM generate_series(1, (SELECT max(version)"
	    "  FROM public.kedge_migration)) AS v"
	    " WHERE EXISTS (SELECT FROM public.kedge_migration AS own"
	    "  JOIN public.kedge_library_migration AS library USING (checksum)"
	    "  WHERE own.name <> library.name)"
	    " ON CONFLICT DO NOTHING";

	return db_script_run(r->script, sql) == ERR_OK ||
	       print_database_error(r);
}

static bool
read_record(const struct migration_folder *f, const struct migration_run *r,
    struct db_rows *ret_rows)
{
	if (!query(r, "SELECT to_regclass($1)",
		DB_ARGS(arena_printf(r->arena, "public.%s", table_of(f))),
		ret_rows))
		return false;
	if (db_is_null(ret_rows, 0, 0)) {
		ret_rows->count = 0;
		return true;
	}
	if (!f->is_library)
		return read_own(r, ret_rows);
	return query(r,
	    "SELECT version, name, checksum"
	    " FROM public.kedge_library_migration"
	    " WHERE folder = $1 ORDER BY version",
	    DB_ARGS(f->name), ret_rows);
}

/*
 * The index of the row of kedge_migration that records this file; -1: there is
 * none.
 */
static int
find_run(const struct migration *m, const struct db_rows *own)
{
	int i;

	for (i = 0; i < own->count; i++)
		if (migration_file_had(m, db_get_text(own, i, 2)))
			return i;
	return -1;
}

bool
migration_folder_adopt(
    const struct migration_folder *library, const struct migration_run *r)
{
	static const char insert_sql[] =
	    "INSERT INTO public.kedge_library_migration (folder, version,"
	    " name, checksum, applied_at)"
	    " VALUES ($1, $2::integer, $3, $4, $5::timestamptz)";
	const struct migration *m;
	struct db_rows own, rows;
	int i, row;

	if (!read_record(library, r, &rows))
		return false;
	if (rows.count > 0)
		return true;
	if (!read_own(r, &own))
		return false;
	for (i = 0; i < library->nfiles; i++) {
		m = &library->files[i];
		row = find_run(m, &own);
		if (row == -1)
			/*
			 * this file has not been run, nor have the files after
			 * it
			 */
			break;
		if (!query(r, insert_sql,
			DB_ARGS(library->name, arena_i64(r->arena, m->version),
			    m->name, db_get_text(&own, row, 2),
			    db_get_text(&own, row, 3)),
			&rows))
			return false;
	}
	return true;
}

bool
migration_folder_count_adoptable(
    struct migration_folder *library, const struct migration_run *r)
{
	struct db_rows own;

	if (library->napplied > 0)
		return true;
	if (!query(r,
		"SELECT to_regclass('public.kedge_migration') IS NOT NULL",
		DB_NO_ARGS, &own))
		return false;
	if (!db_get_bool(&own, 0, 0))
		return true;
	if (!read_own(r, &own))
		return false;
	while (library->napplied < library->nfiles &&
	       find_run(&library->files[library->napplied], &own) != -1)
		library->napplied++;
	return true;
}

static bool
is_of(const struct migration_folder *f, const char *checksum)
{
	int i;

	for (i = 0; i < f->nfiles; i++)
		if (migration_file_had(&f->files[i], checksum))
			return true;
	return false;
}

static bool
has_version(const struct migration_folder *f, int64_t version)
{
	int i;

	for (i = 0; i < f->nfiles; i++)
		if (f->files[i].version == version)
			return true;
	return false;
}

/*
 * A file that the database has run: a row of kedge_migration or
 * kedge_library_migration.
 */
struct applied {
	int64_t version;
	const char *name;
	const char *checksum;
};

/*
 * Compares the i-th row that records a run with the i-th file of the folder.
 * Where both exist, they must be equal.
 */
static bool
check_applied(const struct migration_folder *f, const struct migration_run *r,
    const struct applied *row, int i)
{
	const struct migration *m = &f->files[i];

	if (i >= f->nfiles)
		/* a newer release has run a file that this release lacks */
		return true;
	if (row->version > m->version) {
		print_error("%s: %s has no version %lld%s%s, but later ones",
		    r->service, table_of(f), (long long)m->version,
		    f->is_library ? " of " : "", f->is_library ? f->name : "");
		return false;
	}
	if (row->version < m->version) {
		print_error(
		    "%s: %s has been run, and sql/%s/ has no file of that "
		    "number",
		    r->service, row->name, f->name);
		return false;
	}
	if (!str_eq(row->name, m->name) ||
	    !migration_file_had(m, row->checksum)) {
		print_error(
		    "%s: %s is not what was run as %s; a migration that "
		    "has been run must stay as it is",
		    r->service, m->name, row->name);
		return false;
	}
	return true;
}

bool
migration_folder_check(struct migration_folder *f,
    const struct migration_run *r, const struct migration_folder *libraries,
    int nlibraries)
{
	struct applied row;
	struct db_rows rows;
	bool counts;
	int i, k, n = 0;

	f->napplied = 0;
	if (!read_record(f, r, &rows))
		return false;
	for (i = 0; i < rows.count; i++) {
		row = (struct applied){
			.version = db_get_i64(&rows, i, 0),
			.name = db_get_text(&rows, i, 1),
			.checksum = db_get_text(&rows, i, 2),
		};
		counts = f->is_library || has_version(f, row.version);
		for (k = 0; !counts && k < nlibraries; k++)
			if (is_of(&libraries[k], row.checksum))
				break;
		if (!counts && k < nlibraries)
			continue;
		if (!check_applied(f, r, &row, n++))
			return false;
	}
	f->napplied = n < f->nfiles ? n : f->nfiles;
	return true;
}

bool
migration_folder_apply(struct migration_folder *f, struct migration_run *r)
{
	int i;

	r->folder = f->name;
	r->record_sql =
	    f->is_library
		? arena_printf(r->arena,
		      "INSERT INTO public.kedge_library_migration (folder, "
		      "version,"
		      " name, checksum) VALUES ('%s', $1::integer, $2, $3)",
		      f->name)
		: "INSERT INTO public.kedge_migration (version, name, checksum)"
		  " VALUES ($1::integer, $2, $3)";
	for (i = f->napplied; i < f->nfiles; i++)
		if (!migration_apply(r, &f->files[i]))
			return false;
	return f->is_library || fill_gaps(r);
}

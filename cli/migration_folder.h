/*
 * migration_folder: the files of one folder sql/NAME/, and which of them a
 * database has run.
 *
 * Files of a service's own folder are recorded in kedge_migration, those of the
 * library's folders in kedge_library_migration.  In earlier releases the
 * library's files were symbolic links in each service's folder, with a number
 * and a name of that service, so a database that they have migrated has them in
 * kedge_migration.  They are recognised by their checksum and recorded as run
 * (adopted).  The old rows stay, because the previous release checks them.
 */
#ifndef CLI_MIGRATION_FOLDER_H
#define CLI_MIGRATION_FOLDER_H

#include <stdbool.h>

#include "base/attr.h"

#include "migration.h"

enum { MIGRATION_FILES_MAX = 1000 };

struct migration_folder {
	const char *name; /* "core", or "job" of the library */
	bool is_library;
	struct migration files[MIGRATION_FILES_MAX];
	int nfiles;
	int napplied; /* how many of the files, from the first, were run */
};

/* Reads the files of root/sql/NAME/.  False: an error was printed. */
MUST_CHECK bool migration_folder_read(
    struct migration_folder *f, struct arena *a, const char *root);

/* Makes the tables that record what was run, where they are missing. */
MUST_CHECK bool migration_folder_make_tables(const struct migration_run *r);

/* Records the library's files that kedge_migration has under another name. */
MUST_CHECK bool migration_folder_adopt(
    const struct migration_folder *library, const struct migration_run *r);

/*
 * Compares what the database has run with the files, and sets `napplied`.  Rows
 * of the service's record that are files of the `nlibraries` library folders
 * are ignored.
 */
MUST_CHECK bool migration_folder_check(struct migration_folder *f,
    const struct migration_run *r, const struct migration_folder *libraries,
    int nlibraries);

/* Runs the files after the first `napplied`, and records each. */
MUST_CHECK bool
migration_folder_apply(struct migration_folder *f, struct migration_run *r);

#endif

/*
 * migration_folder: the files of one folder sql/NAME/, and which of them a
 * database has run.
 *
 * The table kedge_migration records which files of a service's own folder have
 * been run, and kedge_library_migration which files of the library's folders.
 * In earlier releases the library's files were symbolic links in each service's
 * folder, with a number and a name of that service. So a database that such a
 * release has migrated has the library's files in kedge_migration. They are
 * recognised by their checksum and recorded in kedge_library_migration as run
 * (adopted). Their old rows stay, because the previous release checks them. For
 * the same reason such a database gets a row for each number that no file has.
 */
#ifndef CLI_MIGRATION_FOLDER_H
#define CLI_MIGRATION_FOLDER_H

#include <stdbool.h>

#include "base/attr.h"

#include "migration_file.h"

enum { MIGRATION_FILES_MAX = 1000 };

struct arena;
struct migration_run;

struct migration_folder {
	const char *name; /* "core" for a service, or "job" for the library */
	bool is_library;
	struct migration files[MIGRATION_FILES_MAX];
	int nfiles;
	/*
	 * number of files that the database has run: files[0] to files[napplied
	 * - 1]
	 */
	int napplied;
};

/*
 * Reads the files of root/sql/NAME/. False: that failed, and an error was
 * printed.
 */
MUST_CHECK bool migration_folder_read(
    struct migration_folder *f, struct arena *a, const char *root);

/* Makes the tables that record which files were run, unless they exist. */
MUST_CHECK bool migration_folder_make_tables(const struct migration_run *r);

/*
 * Records that the library's files were run which kedge_migration has under
 * another name.
 */
MUST_CHECK bool migration_folder_adopt(
    const struct migration_folder *library, const struct migration_run *r);

/*
 * Counts as run what migration_folder_adopt() would record, and changes nothing
 * in the database.
 */
MUST_CHECK bool migration_folder_count_adoptable(
    struct migration_folder *library, const struct migration_run *r);

/*
 * Compares what the database has run with the files of the folder, and sets
 * `napplied`. Rows of kedge_migration about files of the `nlibraries` library
 * folders are ignored.
 */
MUST_CHECK bool migration_folder_check(struct migration_folder *f,
    const struct migration_run *r, const struct migration_folder *libraries,
    int nlibraries);

/*
 * Runs the files that follow the first `napplied` files, and records each as
 * run.  The library's folders must come before the service's own.
 */
MUST_CHECK bool
migration_folder_apply(struct migration_folder *f, struct migration_run *r);

#endif

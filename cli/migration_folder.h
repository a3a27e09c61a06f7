/*
 * migration_folder: the files of one folder sql/NAME/, and which of them a
 * database has run.
 *
 * A service's own folder is recorded in kedge_migration, those of the library
 * in kedge_library_migration.  Until they had folders of their own, the
 * library's files were links in the folder of each service, under a number and
 * a name of that service, so kedge_migration of an older database has them: by
 * the checksum they are recognised, and adopted as run.  Those rows stay, for
 * the release before, which looks for them.
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
	int napplied; /* of the files; they are the first */
};

/* The files of root/sql/NAME/.  Complains. */
MUST_CHECK bool migration_folder_read(
    struct migration_folder *f, struct arena *a, const char *root);

/* Makes the tables that record what was run, where they are missing. */
MUST_CHECK bool migration_folder_make_tables(const struct migration_run *r);

/* Records the library's files that kedge_migration has under another name. */
MUST_CHECK bool migration_folder_adopt(
    const struct migration_folder *library, const struct migration_run *r);

/*
 * Compares what the database has run with the files, and sets `napplied`.  In
 * a service's own record, the files of the `nlibraries` folders do not count.
 */
MUST_CHECK bool migration_folder_check(struct migration_folder *f,
    const struct migration_run *r, const struct migration_folder *libraries,
    int nlibraries);

/* Runs the files after the first `napplied`, and records each. */
MUST_CHECK bool
migration_folder_apply(struct migration_folder *f, struct migration_run *r);

#endif

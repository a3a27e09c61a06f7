/*
 * migrate: runs the migrations in sql/ that a service's database has not run.
 *
 * The library's files are run first: those in sql/base/ for each service, and
 * those in sql/job/ for services that have jobs. Then the service's own files
 * in sql/NAME/ are run. A library file reads current_setting('kedge.service')
 * to know in which service's database it runs.
 *
 * A file is named NNNN_what.sql. The files of a folder are run in the order of
 * their numbers, which may have gaps. A new file must have a higher number than
 * all files that have been run, and no file that has been run may be missing.
 * Each file is run once, by the role NAME_owner, in one transaction in which a
 * row about the file is inserted into kedge_migration or
 * kedge_library_migration. The row has the file's SHA-256: a file that was
 * changed after it was run is an error. There are no down migrations. An
 * advisory lock prevents two concurrent runs. A database may have run files
 * that this release does not have, because a newer release may have migrated
 * it.
 */
#ifndef CLI_MIGRATE_H
#define CLI_MIGRATE_H

#include <stdbool.h>

#include "base/attr.h"

#include "stack.h"

struct db_script;

/*
 * Connects to the stack's own PostgreSQL as NAME_owner, or by the connection
 * string in the variable NAME_MIGRATION_URL.
 */
MUST_CHECK bool
migrate_service(const struct stack *s, const struct spec_service *service);

struct migrate_look {
	struct db_script
	    *script; /* a session of the owner; the caller ends it */
	int napplied; /* files that were run */
	int npending;
	const char *first; /* the first file that was not run; NULL: none */
};
/*
 * Finds which files have not been run, and changes nothing. False: an error was
 * printed, and there is no session.
 */
MUST_CHECK bool migrate_look(const struct stack *s,
    const struct spec_service *service, struct migrate_look *ret);

struct migration;
/*
 * Calls visit() for each file that migrate_service() would run, in that order,
 * with the name of its folder. Changes nothing. False: an error was printed, or
 * visit() has returned false.
 */
MUST_CHECK bool migrate_each_pending(const struct stack *s,
    const struct spec_service *service,
    bool (*visit)(void *ctx, const char *folder, const struct migration *m),
    void *ctx);

/* The variable with the connection string of a service: NAME_MIGRATION_URL. */
const char *
migrate_url_variable(struct arena *a, const struct spec_service *service);

#endif

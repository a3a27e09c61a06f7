/*
 * migrate: brings a service's database up to the files in sql/.
 *
 * First come the library's, in sql/base/ for each service and in sql/job/ for
 * one that has jobs, then the service's own in sql/NAME/.  A library's file
 * asks current_setting('kedge.service') whose database it is in.
 *
 * A file is NNNN_what.sql.  Those of a folder are run in the order of their
 * numbers, which may have gaps: a file that comes to be before one that has
 * been run is refused, and so is a missing one.  Each is run once, by the role
 * NAME_owner, in one transaction together with its row in kedge_migration or
 * kedge_library_migration, which keeps the file's SHA-256: a file that was
 * changed after it was run is an error.  Forward only.  An advisory lock keeps
 * two runs apart.  A database that is ahead of the files is fine: the release
 * before must run on it.
 */
#ifndef CLI_MIGRATE_H
#define CLI_MIGRATE_H

#include <stdbool.h>

#include "base/attr.h"

#include "stack.h"

/*
 * As NAME_owner of the stack's own PostgreSQL, or, when the variable
 * NAME_MIGRATION_URL is set, by that connection string.
 */
MUST_CHECK bool
migrate_service(const struct stack *s, const struct spec_service *service);

int migrate_command(int argc, char **argv);

#endif

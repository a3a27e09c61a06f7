/*
 * migration: runs one migration file of a service or of the library.
 *
 * While a statement waits for a lock, all later statements on that table wait
 * behind it, as long as another session holds the lock: a dump, or a
 * transaction that somebody left open.  So each statement waits for at most two
 * seconds (lock_timeout).  Then the file is rolled back and tried again later,
 * until a timeout of its own.
 *
 * A file whose first line is "-- kedge: no transaction" is one statement that
 * cannot run in a transaction: CREATE [UNIQUE] INDEX CONCURRENTLY IF NOT EXISTS
 * or DROP INDEX CONCURRENTLY IF EXISTS.  While these wait, others do not, so
 * they may wait until that timeout.  When one was interrupted, it has left an
 * invalid index, which is dropped before the file is run again.
 *
 * The statements of a file that has been run must not change, but its comments
 * may.  The file then has, before its first statement, a comment line
 * "-- kedge: formerly SHA256" with its earlier checksum.  A database that has
 * run a file with that checksum has run this file.
 */
#ifndef CLI_MIGRATION_H
#define CLI_MIGRATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/digest.h"

struct arena;
struct db_script;

struct migration {
	int64_t version;
	const char *name; /* "0001_profile.sql" */
	const char *text;
	char checksum[SHA256_HEX_SIZE];
};

struct migration_run {
	struct db_script *script;
	struct arena *arena;
	const char *service;
	const char *folder; /* the file is in sql/FOLDER/ */
	const char *record_sql; /* inserts version, name and checksum */
	int64_t
	    timeout_ms; /* for each file, and for another migration to end */
};

/*
 * False: a line "-- kedge: formerly" is malformed; an error with `path` was
 * printed.
 */
MUST_CHECK bool
migration_check_former(const struct migration *m, const char *path);
/* Whether the file has this checksum or had it formerly. */
bool migration_has_been(const struct migration *m, const char *checksum);

/* KEDGE_MIGRATION_PATIENCE_S, or a minute.  False: an error was printed. */
MUST_CHECK bool migration_read_timeout(int64_t *ret_ms);
/*
 * Takes the advisory lock that keeps other migrations out until the session
 * ends.  False: an error was printed.
 */
MUST_CHECK bool migration_lock(const struct migration_run *r);
/* Runs the file and records it.  False: an error was printed. */
MUST_CHECK bool
migration_apply(const struct migration_run *r, const struct migration *m);

#endif

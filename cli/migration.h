/*
 * migration: runs one migration file of a service or of the library.
 *
 * While a statement waits for a lock on a table, all later statements on that
 * table wait behind it. The session that holds the lock may keep it for long: a
 * dump, or a transaction that somebody left open. So each statement of a file
 * waits for at most two seconds (lock_timeout). Then the file is rolled back
 * and tried again later, until a timeout for the whole file.
 *
 * A file whose first line is "-- kedge: no transaction" is one statement that
 * cannot run in a transaction: CREATE [UNIQUE] INDEX CONCURRENTLY IF NOT EXISTS
 * or DROP INDEX CONCURRENTLY IF EXISTS. While such a statement waits, other
 * sessions do not wait behind it, so it may wait until the timeout of the file.
 * When it was interrupted, it has left an invalid index, which is dropped
 * before the file is run again.
 *
 * The statements of a file that has been run must not change, but its comments
 * may. The changed file then has, before its first statement, a comment line
 * "-- kedge: formerly SHA256" with its earlier checksum. A database that has
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
	const char *name; /* for example "0001_profile.sql" */
	const char *text;
	char checksum[SHA256_HEX_SIZE];
};

struct migration_run {
	struct db_script *script;
	struct arena *arena;
	const char *service;
	const char *folder; /* folder of the file: sql/FOLDER/ */
	/* SQL that records the file's version, name and checksum */
	const char *record_sql;
	/* limit for each file, and for waiting until another migration ends */
	int64_t timeout_ms;
};

/*
 * Reads the lines "-- kedge: formerly" of a file. False: such a line is
 * malformed; an error that names `path` was printed.
 */
MUST_CHECK bool
migration_check_former(const struct migration *m, const char *path);
/* Whether the file has this checksum, or had it in an earlier release. */
bool migration_has_been(const struct migration *m, const char *checksum);

/*
 * Reads the timeout: KEDGE_MIGRATION_PATIENCE_S, or a minute if that is not
 * set. False: the value is invalid, and an error was printed.
 */
MUST_CHECK bool migration_read_timeout(int64_t *ret_ms);
/*
 * Takes the advisory lock that keeps other migrations out until the session
 * ends. False: the lock was not taken, and an error was printed.
 */
MUST_CHECK bool migration_lock(const struct migration_run *r);
/*
 * Runs the file and records that it was run. False: that failed, and an error
 * was printed.
 */
MUST_CHECK bool
migration_apply(const struct migration_run *r, const struct migration *m);

#endif

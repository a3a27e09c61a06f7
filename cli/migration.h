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
 */
#ifndef CLI_MIGRATION_H
#define CLI_MIGRATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;
struct db_script;
struct migration;

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

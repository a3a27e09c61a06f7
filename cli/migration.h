/*
 * migration: runs one file of a service's migrations, its own or the library's.
 *
 * A statement that waits for a lock keeps everybody waiting who comes after it,
 * for as long as whoever has the lock goes on: a dump, or a transaction that
 * somebody left open.  So no statement waits for longer than two seconds; then
 * the file is rolled back and tried again later, until patience ends.
 *
 * A file whose first line is "-- kedge: no transaction" is one statement,
 * CREATE [UNIQUE] INDEX CONCURRENTLY IF NOT EXISTS or DROP INDEX CONCURRENTLY
 * IF EXISTS, which cannot be in a transaction.  They keep nobody waiting, and
 * so have all of the patience.  What an interrupted one has left, an index that
 * is invalid, is dropped before it is run again.
 *
 * A file that has been run keeps its statements for ever, but its comments may
 * be rewritten.  It then says, in a comment line before its first statement,
 * "-- kedge: formerly SHA256", the checksum that it had before.  A database in
 * which that text was run has run this file.
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
	const char *folder; /* of the file, below sql/ */
	const char *record_sql; /* with version, name and checksum */
	int64_t timeout_ms; /* for a file, and for others who migrate */
};

/* False: a line "-- kedge: formerly" is malformed; a complaint names `path`. */
MUST_CHECK bool
migration_check_former(const struct migration *m, const char *path);
/* Whether the text with this checksum is the file, or a former text of it. */
bool migration_has_been(const struct migration *m, const char *checksum);

/* KEDGE_MIGRATION_PATIENCE_S, or a minute.  False: a complaint says why. */
MUST_CHECK bool migration_read_timeout(int64_t *ret_ms);
/* Keeps others who migrate out, until the session ends.  Complains. */
MUST_CHECK bool migration_lock(const struct migration_run *r);
/* Runs the file and records it.  Complains. */
MUST_CHECK bool
migration_apply(const struct migration_run *r, const struct migration *m);

#endif

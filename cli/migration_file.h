/*
 * migration_file: the text of a migration file, and what its comments say about
 * it.
 *
 * The statements of a file that has been run must not change, but its comments
 * may. The changed file then has, before its first statement, a comment line
 * "-- kedge: formerly SHA256" with its earlier checksum. A database that has
 * run a file with that checksum has run this file.
 *
 * A file whose first line is "-- kedge: no transaction" is one statement about
 * an index: migration.h.
 */
#ifndef CLI_MIGRATION_FILE_H
#define CLI_MIGRATION_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/digest.h"

struct arena;

struct migration {
	int64_t version;
	const char *name; /* for example "0001_profile.sql" */
	const char *text;
	char checksum[SHA256_HEX_SIZE];
};

/*
 * Checks the lines "-- kedge: formerly" of a file. False: such a line is
 * malformed; an error that names `path` was printed.
 */
MUST_CHECK bool
migration_file_check(const struct migration *m, const char *path);
/* Whether the file has this checksum, or had it in an earlier release. */
bool migration_file_had(const struct migration *m, const char *checksum);
/*
 * *ret_name becomes the index that a file without a transaction creates or
 * drops, or NULL for a file with a transaction. False: the file is to run
 * without a transaction, but is not one of the allowed statements.
 */
MUST_CHECK bool migration_file_index(
    struct arena *a, const struct migration *m, const char **ret_name);

#endif

/*
 * backup_content: what a database contains, so that a restored copy can be
 * compared with it: the rows of each table, the migrations that were run, and
 * what the ledger's own check says.
 */
#ifndef CLI_BACKUP_CONTENT_H
#define CLI_BACKUP_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;
struct buf;
struct db_script;
struct json;

struct backup_table {
	const char *name; /* with its schema: "public.task" */
	int64_t rows;
	/* sum of a hash of each row: the same in whatever order they are */
	const char *hash;
};

struct backup_migration {
	const char *folder; /* "base", "job", or "" for the service's own */
	const char *name;
	const char *checksum;
};

/* The result of ledger_check() in the database of the wallet. */
struct backup_ledger {
	bool exists;
	int64_t accounts;
	int64_t transfers;
	int64_t entries;
	const char *mismatches; /* a JSON array; "[]" if all is right */
};

struct backup_content {
	struct backup_table *tables;
	int ntables;
	struct backup_migration *migrations;
	int nmigrations;
	struct backup_ledger ledger;
	const char *server_version; /* "15.6" */
};

/*
 * Reads the content within the transaction that the session is in. False: an
 * error was printed.
 */
MUST_CHECK bool backup_content_read(struct arena *a, struct db_script *script,
    struct backup_content *ret_content);
/*
 * Writes the members "serverVersion", "migrations", "tables" and "ledger" of a
 * JSON object.
 */
void backup_content_write(struct buf *b, const struct backup_content *content);
/* Reads these members. False: a member is missing or wrong. */
MUST_CHECK bool backup_content_parse(
    struct arena *a, const struct json *j, struct backup_content *ret_content);
/*
 * Compares a restored database with the manifest. False: the two differ; the
 * differences were printed.
 */
MUST_CHECK bool backup_content_compare(const char *service,
    const struct backup_content *expected, const struct backup_content *found);

#endif

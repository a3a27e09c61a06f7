/*
 * backup_manifest: the file manifest.json of a backup, which says what the
 * backup contains and how to find out whether a copy is complete.
 *
 * A directory is a backup only if it has a manifest that can be read; it is
 * written last.
 */
#ifndef CLI_BACKUP_MANIFEST_H
#define CLI_BACKUP_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#include "backup_content.h"
#include "spec.h"

#define BACKUP_MANIFEST "manifest.json"
/* What all names of backups begin with; a time follows: 20261130T211500Z. */
#define BACKUP_PREFIX "kedge-"

struct backup_file {
	const char *name; /* in the directory of the backup */
	const char *sha256;
	int64_t bytes;
};

struct backup_database {
	const char *service;
	struct backup_file file;
	struct backup_content content;
};

struct backup_manifest {
	const char *created_at; /* RFC 3339 */
	const char *version; /* of kedge */
	struct backup_database databases[SPEC_SERVICES_MAX];
	int ndatabases;
	struct backup_file secrets; /* name NULL: there are none */
};

MUST_CHECK bool backup_manifest_write(
    struct arena *a, const char *path, const struct backup_manifest *m);
/*
 * Reads the manifest of the backup in `dir`. False: the manifest is missing or
 * malformed; an error was printed unless `quiet`.
 */
MUST_CHECK bool backup_manifest_read(struct arena *a, const char *dir,
    bool quiet, struct backup_manifest *ret_manifest);
/* Reads the size and the SHA-256 of a file. False: an error was printed. */
MUST_CHECK bool backup_file_read(struct arena *a, const char *dir,
    const char *name, struct backup_file *ret_file);
/* Whether the name has the form of a backup's name: kedge-20261130T211500Z. */
bool backup_is_name(const char *name);

#endif

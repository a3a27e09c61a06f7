/*
 * audit_verify: compares the rows of an audit log with their chain of hashes.
 *
 * The hashes are computed here, from the rows, and not by functions of the
 * database: whoever changes rows could change these functions, too.
 */
#ifndef CLI_AUDIT_VERIFY_H
#define CLI_AUDIT_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/digest.h"

struct arena;
struct db_script;

/* Where a chain has ended at some time. */
struct audit_anchor {
	int64_t seq;
	const char *sha256_hex;
	bool found;
};

struct audit_check {
	const char *service;
	struct db_script *script;
	struct audit_anchor *anchors;
	int nanchors;

	/* Results */
	int64_t events; /* number of events in the log */
	int64_t links;
	int64_t forgotten; /* the last number that retention has deleted */
	char last_hex[SHA256_HEX_SIZE];
	int64_t problems; /* each was printed */
};

/*
 * False: the log could not be read, and an error was printed. Otherwise
 * `problems` says whether it is intact.
 */
MUST_CHECK bool audit_verify(struct arena *a, struct audit_check *c);

#endif

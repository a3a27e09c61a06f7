/* ledger_store: the SQL statements of the ledger's scheduled jobs. */
#ifndef WALLET_LEDGER_STORE_H
#define WALLET_LEDGER_STORE_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

enum { LEDGER_NO_PAGE = -1 };

/* A hold that has expired. */
struct ledger_hold {
	const char *id;
	const char *expires_at; /* a time in PostgreSQL's format */
};
/*
 * Finds expired holds that follow the hold `after`, the oldest first. At first
 * the members of `after` are NULL.
 */
MUST_CHECK enum err ledger_find_due_holds(struct db *db, struct arena *a,
    const struct ledger_hold *after, int64_t limit,
    const struct ledger_hold **ret_holds, int64_t *ret_count);
/*
 * Releases all of these holds, or none. ERR_UNAVAILABLE also means that an
 * account was locked for longer than wait_ms.
 */
MUST_CHECK enum err ledger_expire(struct db *db, struct arena *a,
    const struct ledger_hold *holds, int64_t count, int64_t wait_ms,
    int64_t *ret_expired, int64_t *ret_emitted);
/*
 * Writes the statements of a month, given by its first day ("2026-01-01");
 * NULL: of all months without statements. *ret_count is the number of
 * statements written.
 */
MUST_CHECK enum err ledger_write_statements(
    struct db *db, struct arena *a, const char *month, int64_t *ret_count);
/*
 * Deletes the idempotency keys that were first used more than `days` days ago,
 * in a few pages of their table, beginning with page *page (0 at first). Sets
 * *page to the page after these, or to LEDGER_NO_PAGE at the end of the table.
 */
MUST_CHECK enum err ledger_forget_keys(struct db *db, struct arena *a,
    int64_t days, int64_t *page, int64_t *ret_count);

#endif

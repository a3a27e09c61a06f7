/* ledger_store: what is done to the books by the clock. */
#ifndef WALLET_LEDGER_STORE_H
#define WALLET_LEDGER_STORE_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

enum { LEDGER_NO_PAGE = -1 };

/* A hold whose time is over. */
struct ledger_hold {
	const char *id;
	const char *expires_at; /* as PostgreSQL writes it */
};
/* Oldest first, those behind `after`; its members are NULL for the first. */
MUST_CHECK enum err ledger_find_due_holds(struct db *db, struct arena *a,
    const struct ledger_hold *after, int64_t limit,
    const struct ledger_hold **ret_holds, int64_t *ret_count);
/*
 * Gives all of them back, or none.  ERR_UNAVAILABLE also when one of their
 * accounts is locked for longer than wait_ms.
 */
MUST_CHECK enum err ledger_expire(struct db *db, struct arena *a,
    const struct ledger_hold *holds, int64_t count, int64_t wait_ms,
    int64_t *ret_expired, int64_t *ret_emitted);
/* month: "2026-01-01"; NULL: each that has none.  *ret_count were missing. */
MUST_CHECK enum err ledger_write_statements(
    struct db *db, struct arena *a, const char *month, int64_t *ret_count);
/*
 * Deletes keys that were first used so many days ago, in a few pages of their
 * table from *page on; 0 is the first.  Sets *page to the next one, or to
 * LEDGER_NO_PAGE after the last.
 */
MUST_CHECK enum err ledger_forget_keys(struct db *db, struct arena *a,
    int64_t days, int64_t *page, int64_t *ret_count);

#endif

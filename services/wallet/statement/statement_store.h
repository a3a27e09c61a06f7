/* statement_store: the monthly statements of an account. */
#ifndef WALLET_STATEMENT_STORE_H
#define WALLET_STATEMENT_STORE_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

struct statement {
	const char *month; /* for example "2026-01" */
	const char *currency;
	int64_t opening_minor;
	int64_t closing_minor;
	/* sum of the incoming amounts; may exceed int64_t */
	const char *credits_minor;
	/* sum of the outgoing amounts; may exceed int64_t */
	const char *debits_minor;
	int64_t entries;
	const char *created_at;
};

/*
 * Lists statements of months before the given month, the newest first; NULL:
 * from the newest month.
 */
MUST_CHECK enum err statement_find_page(struct db *db, struct arena *a,
    const char *account_id, const char *before_month, int64_t limit,
    const struct statement **ret_statements, int64_t *ret_count);

#endif

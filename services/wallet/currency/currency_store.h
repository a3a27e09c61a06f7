/* currency_store: currencies and their number of decimal places. */
#ifndef WALLET_CURRENCY_STORE_H
#define WALLET_CURRENCY_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

struct currency {
	const char *code;
	int64_t exponent;
	bool iso; /* of ISO 4217; otherwise added by an operator */
	const char *created_at; /* or NULL: created together with the table */
	const char *created_by; /* or NULL */
	const char *reason; /* or NULL */
};

/* By code. */
MUST_CHECK enum err currency_find_all(struct db *db, struct arena *a,
    const struct currency **ret_currencies, int64_t *ret_count);
/*
 * Inserts *currency, whose created_by is set; sets its created_at.  *ret_code:
 * why not, as in ledger/ledger_code.h; otherwise NULL.  ERR_UNPROCESSABLE: the
 * code is not valid.
 */
MUST_CHECK enum err currency_insert(struct db *db, struct arena *a,
    struct currency *currency, const char *origin, int64_t *ret_emitted,
    const char **ret_code);

#endif

/* currency_store: currencies and the digits after their point. */
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
	bool iso; /* of ISO 4217; else an operator's own */
	const char *created_at; /* or NULL: with the table */
	const char *created_by; /* or NULL */
	const char *reason; /* or NULL */
};

/* By code. */
MUST_CHECK enum err currency_find_all(struct db *db, struct arena *a,
    const struct currency **ret_currencies, int64_t *ret_count);
/*
 * By currency->created_by; sets its created_at.  *ret_code: why not, as in
 * ledger/ledger_code.h; else NULL.  ERR_UNPROCESSABLE: its code is not one.
 */
MUST_CHECK enum err currency_insert(struct db *db, struct arena *a,
    struct currency *currency, const char *origin, int64_t *ret_emitted,
    const char **ret_code);

#endif

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
	bool iso; /* true: of ISO 4217; false: an operator has added it */
	const char *created_at; /* NULL: created together with the table */
	const char *created_by; /* or NULL */
	const char *reason; /* or NULL */
};

/* Lists all currencies, sorted by code. */
MUST_CHECK enum err currency_find_all(struct db *db, struct arena *a,
    const struct currency **ret_currencies, int64_t *ret_count);
/*
 * Adds the currency *currency, whose created_by is set; sets its created_at.
 * *ret_code is the error code (ledger/ledger_code.h) if the currency was not
 * added, otherwise NULL. ERR_UNPROCESSABLE: the currency's code is not valid.
 */
MUST_CHECK enum err currency_insert(struct db *db, struct arena *a,
    struct currency *currency, const char *origin, int64_t *ret_emitted,
    const char **ret_code);

#endif

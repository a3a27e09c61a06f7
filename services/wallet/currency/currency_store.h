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
};

/* By code. */
MUST_CHECK enum err currency_find_all(struct db *db, struct arena *a,
    const struct currency **ret_currencies, int64_t *ret_count);
/* ERR_CONFLICT: the code is there.  ERR_UNPROCESSABLE: it is not one. */
MUST_CHECK enum err currency_insert(
    struct db *db, struct arena *a, const struct currency *currency);

#endif

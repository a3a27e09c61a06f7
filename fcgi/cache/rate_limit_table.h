/*
 * rate_limit_table: the generic cell rate algorithm in a table of fixed size,
 * for one process.
 *
 * A key may be in any entry of its row.  When a row is full, the key whose
 * limit is next to be fully available again is dropped: least is lost with it,
 * while a key that is being refused stays.  Keys are hashed with a secret, so
 * that nobody can choose keys that fall into the row of another.
 */
#ifndef CACHE_RATE_LIMIT_TABLE_H
#define CACHE_RATE_LIMIT_TABLE_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

enum { RATE_LIMIT_ROWS = 512, RATE_LIMIT_PLACES = 8 };

struct rate_limit_table;

struct rate_limit_table *rate_limit_table_new(void);
void rate_limit_table_free(struct rate_limit_table *t);
/* Like rate_limit_charge(), at the given time. */
MUST_CHECK enum err rate_limit_table_take(struct rate_limit_table *t,
    const char *key, int64_t cost, int64_t burst, int64_t period_ms,
    int64_t now_us, int64_t *ret_retry_ms);
/* Like rate_limit_refund(). */
void rate_limit_table_refund(struct rate_limit_table *t, const char *key,
    int64_t cost, int64_t burst, int64_t period_ms);

#endif

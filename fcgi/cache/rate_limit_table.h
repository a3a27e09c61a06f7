/*
 * rate_limit_table: the generic cell rate algorithm in a table of fixed size,
 * for one process.
 *
 * A key may sit in any of the places of its row.  In a full row the key whose
 * allowance is next to be whole again gives way: it has the least to forget,
 * and a key that is being refused has the most.  Keys are hashed with a secret,
 * so nobody can aim at another's row.
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
/* As rate_limit_charge(), at the time given. */
MUST_CHECK enum err rate_limit_table_take(struct rate_limit_table *t,
    const char *key, int64_t cost, int64_t burst, int64_t period_ms,
    int64_t now_us, int64_t *ret_retry_ms);
/* As rate_limit_refund(). */
void rate_limit_table_refund(struct rate_limit_table *t, const char *key,
    int64_t cost, int64_t burst, int64_t period_ms);

#endif

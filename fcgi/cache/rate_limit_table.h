/*
 * rate_limit_table: the generic cell rate algorithm in a table of fixed size,
 * for one process.
 *
 * The hash of a key selects a row, and the key may be in any entry of the row.
 * When the row is full, a new key replaces the key whose limit will be the
 * first to be fully available again: so the fewest charges are lost, and a key
 * that is being refused stays.  The hash depends on a secret, so that nobody
 * can choose keys that fall into the same row as another key.
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
/* Like rate_limit_charge(); now_us is the time of the operation. */
MUST_CHECK enum err rate_limit_table_take(struct rate_limit_table *t,
    const char *key, int64_t cost, int64_t burst, int64_t period_ms,
    int64_t now_us, int64_t *ret_retry_ms);
/*
 * Gives back what rate_limit_table_take() has charged with the same arguments.
 */
void rate_limit_table_refund(struct rate_limit_table *t, const char *key,
    int64_t cost, int64_t burst, int64_t period_ms);

#endif

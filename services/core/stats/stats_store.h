/* stats_store: counts the rows of core's database. */
#ifndef CORE_STATS_STORE_H
#define CORE_STATS_STORE_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

struct stats {
	int64_t profiles;
	int64_t tasks;
};

/*
 * Counts all rows, which is slow: meant for an administrator's occasional use.
 */
MUST_CHECK enum err
stats_count(struct db *db, struct arena *a, struct stats *ret_stats);

#endif

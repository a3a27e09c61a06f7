/* entry_store: reads the entries of an account, the newest first. */
#ifndef WALLET_ENTRY_STORE_H
#define WALLET_ENTRY_STORE_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;

struct entry {
	const char *id;
	const char *transfer_id;
	int64_t amount_minor; /* negative: money left the account */
	int64_t balance_after_minor;
	const char *memo; /* the memo of the transfer; or NULL */
	const char *created_at;
	/* number of the entry within its account, from 1; with gaps */
	int64_t seq;
};

struct entry_page {
	const char *account_id;
	/* list entries with created_at >= from; NULL: no limit */
	const char *from;
	/* list entries with created_at < to; NULL: no limit */
	const char *to;
	/* list entries with a smaller seq; 0: start with the newest */
	int64_t before_seq;
	int64_t limit;
};

MUST_CHECK enum err entry_find_page(struct db *db, struct arena *a,
    const struct entry_page *page, const struct entry **ret_entries,
    int64_t *ret_count);

#endif

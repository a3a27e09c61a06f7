/* entry_store: the entries of an account, newest first. */
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
	int64_t seq; /* position in the account, from 1; with gaps */
};

struct entry_page {
	const char *account_id;
	const char *from; /* of created_at, inclusive; NULL: no limit */
	const char *to; /* exclusive; NULL: no limit */
	int64_t before_seq; /* 0: start with the newest */
	int64_t limit;
};

MUST_CHECK enum err entry_find_page(struct db *db, struct arena *a,
    const struct entry_page *page, const struct entry **ret_entries,
    int64_t *ret_count);

#endif

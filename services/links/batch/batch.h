/*
 * batch: many links in one request, each of which is made or refused by
 * itself.
 *
 * With an Idempotency-Key, item i has the key KEY:i, so that after a lost
 * answer the same request makes only what is still missing.
 */
#ifndef LINKS_BATCH_H
#define LINKS_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "links/link/link_view.h"

struct req;

enum { BATCH_MAX = 500, BATCH_KEY_MAX = 240 };

struct batch_result {
	struct link_fault fault; /* if `link` is NULL */
	const struct link *link;
};

/*
 * Makes links of the wishes, of which none has a password, in order.  `key` is
 * NULL or an Idempotency-Key.  `faults` is NULL, or has one for each wish; a
 * wish whose fault has a field is refused with it.  *ret_results has one result
 * for each.  Charges the user's rate for all of them first: ERR_RATE_LIMITED.
 * Another failure, such as ERR_UNAVAILABLE, ends the batch; the items before it
 * stay made.
 */
MUST_CHECK enum err batch_make(struct req *r, const struct link_wish *wishes,
    const struct link_fault *faults, size_t n, const char *key,
    const struct batch_result **ret_results);

#endif

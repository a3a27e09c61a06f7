/*
 * limit: how often one client may ask, and how often one account may be tried.
 *
 * Every request counts for its client's address and path, as in BetterAuth:
 * 100 in 10 seconds, and what the route's row says where it says something (3
 * where passwords are asked for).  Paths that do not exist share one counter,
 * so that inventing paths makes no new ones.
 *
 * Besides, every wrong guess of a password counts for the account and the
 * network it comes from, by whatever name the account is tried.  It is
 * counted before it is known to be wrong, so that no more than the limit can be
 * under way at once, and taken back when it was not.  The network is part of it
 * so that an attacker elsewhere cannot lock the owner out; what it does not
 * stop, a guess or two from each of many networks, the hash slows down.
 */
#ifndef AUTH_LIMIT_H
#define AUTH_LIMIT_H

#include "base/attr.h"
#include "base/err.h"

struct req;

enum {
	LIMIT_PERIOD_S = 10,
	LIMIT_REQUESTS = 100,
	LIMIT_PASSWORD_REQUESTS = 3,

	LIMIT_TRIES_PERIOD_MS = 600 * 1000,
	LIMIT_TRIES = 20,
};

/* The `rate` of a row where a password is checked. */
/* clang-format off */
#define LIMIT_PASSWORD { LIMIT_PASSWORD_REQUESTS, LIMIT_PERIOD_S }
/* clang-format on */

/* The hook: ERR_RATE_LIMITED, with the wait in r->retry_after_s. */
enum err limit_request(struct req *r);
/*
 * Counts a try for `account`, a user's id or a name that no user has; refuses
 * when there have been too many.
 */
MUST_CHECK enum err limit_try(struct req *r, const char *account);
/* It was no wrong guess. */
void limit_refund_try(struct req *r, const char *account);

#endif

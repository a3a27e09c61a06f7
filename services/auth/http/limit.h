/*
 * limit: limits how often one client may send requests, and how often the
 * password of one account may be guessed.
 *
 * Every request counts for its client's address and path, as in BetterAuth: 100
 * in 10 seconds, or what the route's row says (3 where passwords are checked).
 * Paths that do not exist share one counter, so that inventing paths creates no
 * new counters.
 *
 * In addition, every wrong password counts for the account and the client's
 * network, by whatever name the account is tried.  An attempt is counted before
 * the password is checked, so that parallel attempts cannot exceed the limit,
 * and is uncounted if it was not a wrong guess.  The network is part of the key
 * so that an attacker in another network cannot lock the owner out.  A few
 * guesses from each of many networks are not limited by this, but slowed down
 * by the hash.
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

	LIMIT_MAIL_PERIOD_MS = 3600 * 1000,
};

/* The `rate` of a row where a password is checked. */
/* clang-format off */
#define LIMIT_PASSWORD { LIMIT_PASSWORD_REQUESTS, LIMIT_PERIOD_S }
/* clang-format on */

/* The hook: ERR_RATE_LIMITED, with the wait in r->retry_after_s. */
enum err limit_request(struct req *r);
/*
 * Counts an attempt for `account`, a user's id or a name that no user has;
 * refuses it when there have been too many.
 */
MUST_CHECK enum err limit_try(struct req *r, const char *account);
/*
 * Counts a message to this canonical address, and for this user unless NULL;
 * refuses when there have been too many.
 */
MUST_CHECK enum err
limit_mail(struct req *r, const char *address, const char *user_id);
/* Uncounts an attempt that was not a wrong guess. */
void limit_refund_try(struct req *r, const char *account);

#endif

/*
 * account_routes: /api/wallet/accounts: list, open, read and freeze accounts.
 */
#ifndef WALLET_ACCOUNT_ROUTES_H
#define WALLET_ACCOUNT_ROUTES_H

#include <stdbool.h>

#include "web/service.h"

struct account;
struct buf;

extern const struct route account_routes[];

/* First contact: creates the wallet of the request's user. */
MUST_CHECK enum err account_create(struct req *r);

/*
 * Returns the account if the request's user may see it: their own, or any if
 * the user is an operator.  Otherwise ERR_NOT_FOUND with its code.
 */
MUST_CHECK enum err
account_get(struct req *r, const char *id, struct account *ret_account);

/* For /health/ready: "database", "redis" and "currency". */
bool account_ready(void *app, struct buf *members);

#endif

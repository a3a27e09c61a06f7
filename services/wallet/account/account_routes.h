/* account_routes: /api/wallet/accounts, to list, open, see and freeze. */
#ifndef WALLET_ACCOUNT_ROUTES_H
#define WALLET_ACCOUNT_ROUTES_H

#include <stdbool.h>

#include "web/service.h"

struct account;
struct buf;

extern const struct route account_routes[];

/* First contact: makes the wallet of the request's user. */
MUST_CHECK enum err account_create(struct req *r);

/*
 * The account if the request's user may see it: their own, or any to an
 * operator.  ERR_NOT_FOUND with its code.
 */
MUST_CHECK enum err
account_get(struct req *r, const char *id, struct account *ret_account);

/* For /health/ready: "database", "redis" and "currency". */
bool account_ready(void *app, struct buf *members);

#endif

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

/* The hook for first contact: creates the wallet of the request's user. */
MUST_CHECK enum err account_create(struct req *r);

/*
 * Finds the account if the request's user may see it: one of their own, or any
 * account if the user is an operator. Otherwise reports ERR_NOT_FOUND with the
 * ledger's error code.
 */
MUST_CHECK enum err
account_get(struct req *r, const char *id, struct account *ret_account);

/*
 * For /health/ready: writes the members "database", "redis" and "currency".
 * Returns whether the service is ready.
 */
bool account_ready(void *app, struct buf *members);

#endif

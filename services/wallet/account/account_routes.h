/* account_routes: GET /api/wallet/accounts and one of them. */
#ifndef WALLET_ACCOUNT_ROUTES_H
#define WALLET_ACCOUNT_ROUTES_H

#include <stdbool.h>

#include "http/service.h"

struct buf;

extern const struct route account_routes[];

/* First contact: makes the wallet of the request's user. */
MUST_CHECK enum err account_create(struct req *r);

/* For /health/ready: "database", "redis" and "currency". */
bool account_ready(void *app, struct buf *members);

#endif

/* entry_routes: GET /api/wallet/accounts/{id}/entries, as JSON or as CSV. */
#ifndef WALLET_ENTRY_ROUTES_H
#define WALLET_ENTRY_ROUTES_H

#include "web/service.h"

extern const struct route entry_routes[];

#endif

/* statement_routes: GET /api/wallet/accounts/{id}/statements. */
#ifndef WALLET_STATEMENT_ROUTES_H
#define WALLET_STATEMENT_ROUTES_H

#include "web/service.h"

extern const struct route statement_routes[];

#endif

/* ledger_routes: GET /api/wallet/ledger/check. */
#ifndef WALLET_LEDGER_ROUTES_H
#define WALLET_LEDGER_ROUTES_H

#include "web/service.h"

extern const struct route ledger_routes[];

#endif

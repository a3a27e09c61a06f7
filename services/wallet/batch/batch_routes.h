/* batch_routes: POST /api/wallet/transfers/batch. */
#ifndef WALLET_BATCH_ROUTES_H
#define WALLET_BATCH_ROUTES_H

#include "web/service.h"

extern const struct route batch_routes[];

#endif

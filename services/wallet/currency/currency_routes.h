/* currency_routes: GET and POST /api/wallet/currencies. */
#ifndef WALLET_CURRENCY_ROUTES_H
#define WALLET_CURRENCY_ROUTES_H

#include "web/service.h"

extern const struct route currency_routes[];

#endif

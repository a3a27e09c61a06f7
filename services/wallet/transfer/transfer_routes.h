/*
 * transfer_routes: the routes for transfers: POST /api/wallet/transfers, the
 * actions on a transfer, and the operators' deposits and withdrawals.
 */
#ifndef WALLET_TRANSFER_ROUTES_H
#define WALLET_TRANSFER_ROUTES_H

#include "web/service.h"

extern const struct route transfer_routes[];

#endif

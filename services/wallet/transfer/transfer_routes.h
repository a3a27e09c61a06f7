/*
 * transfer_routes: POST /api/wallet/transfers, and the actions on a transfer;
 * deposits and withdrawals by operators.
 */
#ifndef WALLET_TRANSFER_ROUTES_H
#define WALLET_TRANSFER_ROUTES_H

#include "web/service.h"

extern const struct route transfer_routes[];

#endif

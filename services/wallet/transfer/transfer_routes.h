/*
 * transfer_routes: POST /api/wallet/transfers and what is done with one; the
 * deposits and withdrawals of operators.
 */
#ifndef WALLET_TRANSFER_ROUTES_H
#define WALLET_TRANSFER_ROUTES_H

#include "web/service.h"

extern const struct route transfer_routes[];

#endif

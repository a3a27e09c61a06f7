/* qr_routes: GET /links/{id}/qr, the QR code of a short address. */
#ifndef LINKS_QR_ROUTES_H
#define LINKS_QR_ROUTES_H

#include "web/service.h"

extern const struct route qr_routes[];

#endif

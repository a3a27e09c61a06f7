/* click_routes: GET /links/{id}/stats. */
#ifndef LINKS_CLICK_ROUTES_H
#define LINKS_CLICK_ROUTES_H

#include "web/service.h"

extern const struct route click_routes[];

#endif

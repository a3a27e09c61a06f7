/* wire_routes: what has no entity, /ok and /error. */
#ifndef AUTH_WIRE_ROUTES_H
#define AUTH_WIRE_ROUTES_H

#include "web/service.h"

extern const struct route wire_routes[];

#endif

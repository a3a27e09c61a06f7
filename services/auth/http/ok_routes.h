/* ok_routes: the routes without an entity, /ok and /error. */
#ifndef AUTH_OK_ROUTES_H
#define AUTH_OK_ROUTES_H

#include "web/service.h"

extern const struct route ok_routes[];

#endif

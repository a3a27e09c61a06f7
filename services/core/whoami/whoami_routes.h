/*
 * whoami_routes: GET /api/core/whoami, which returns the identity assertion of
 * the request and nothing else.
 */
#ifndef CORE_WHOAMI_ROUTES_H
#define CORE_WHOAMI_ROUTES_H

#include "web/service.h"

extern const struct route whoami_routes[];

#endif

/* two_factor_routes: enabling, using and disabling the second factor. */
#ifndef AUTH_TWO_FACTOR_ROUTES_H
#define AUTH_TWO_FACTOR_ROUTES_H

#include "web/service.h"

extern const struct route two_factor_routes[];

#endif

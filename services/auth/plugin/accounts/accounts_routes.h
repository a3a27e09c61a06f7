/* accounts_routes: the routes of the plugin. */
#ifndef AUTH_ACCOUNTS_ROUTES_H
#define AUTH_ACCOUNTS_ROUTES_H

#include "web/service.h"

extern const struct route accounts_routes[];

#endif

/*
 * username_routes: signing in with a user name, and asking whether a name is
 * free.
 */
#ifndef AUTH_USERNAME_ROUTES_H
#define AUTH_USERNAME_ROUTES_H

#include "web/service.h"

extern const struct route username_routes[];

#endif

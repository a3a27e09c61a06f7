/* password_reset_routes: the routes of the plugin. */
#ifndef AUTH_PASSWORD_RESET_ROUTES_H
#define AUTH_PASSWORD_RESET_ROUTES_H

#include "web/service.h"

extern const struct route password_reset_routes[];

#endif

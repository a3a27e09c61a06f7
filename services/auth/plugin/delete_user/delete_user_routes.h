/* delete_user_routes: the routes of the plugin. */
#ifndef AUTH_DELETE_USER_ROUTES_H
#define AUTH_DELETE_USER_ROUTES_H

#include "web/service.h"

extern const struct route delete_user_routes[];

#endif

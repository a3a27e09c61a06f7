/* email_verification_routes: the routes of the plugin. */
#ifndef AUTH_EMAIL_VERIFICATION_ROUTES_H
#define AUTH_EMAIL_VERIFICATION_ROUTES_H

#include "web/service.h"

extern const struct route email_verification_routes[];

#endif

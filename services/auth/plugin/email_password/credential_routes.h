/* credential_routes: sign-up/email, sign-in/email, change-password. */
#ifndef AUTH_CREDENTIAL_ROUTES_H
#define AUTH_CREDENTIAL_ROUTES_H

#include "web/service.h"

extern const struct route credential_routes[];

#endif

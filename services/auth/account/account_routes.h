/* account_routes: sign-up/email, sign-in/email, change-password. */
#ifndef AUTH_ACCOUNT_ROUTES_H
#define AUTH_ACCOUNT_ROUTES_H

#include "http/service.h"

extern const struct route account_routes[];

#endif

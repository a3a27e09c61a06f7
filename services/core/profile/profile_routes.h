/* profile_routes: GET and PATCH /api/core/me. */
#ifndef CORE_PROFILE_ROUTES_H
#define CORE_PROFILE_ROUTES_H

#include "web/service.h"

extern const struct route profile_routes[];

/* The hook for first contact: creates the profile of the request's user. */
MUST_CHECK enum err profile_create(struct req *r);

#endif

#ifndef AUTH_USER_ROUTES_H
#define AUTH_USER_ROUTES_H

#include "web/service.h"

struct req;

extern const struct route user_routes[];

/*
 * The columns that the admin plugin adds and a client may not set: the first
 * one that `r`'s body wants set, or NULL.  On creation, `banned` is not an
 * error but replaced by its default.
 */
const char *user_forbidden_field(const struct req *r, int creating);

#endif

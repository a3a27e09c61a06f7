/*
 * provision_routes: a base service reports that it has a record of a user.
 *
 * Not for clients: the route only exists on nginx's internal listener, and the
 * caller signs a token, valid for seconds, with the key that auth shares with
 * that one service: {"iss":SERVICE,"aud":"auth","sub":USER_ID,"iat","exp"}.
 */
#ifndef AUTH_PROVISION_ROUTES_H
#define AUTH_PROVISION_ROUTES_H

#include <stdint.h>

#include "base/attr.h"
#include "web/service.h"

struct arena;
struct auth;

extern const struct route provision_routes[];

/*
 * Reads the token: returns the service's name and the user, or NULL when the
 * token is not from a base service or has expired.
 */
const char *provision_token_read(const struct auth *auth, struct arena *a,
    const char *token, int64_t now_s, const char **ret_user_id);

/*
 * Like provision_token_read(), for the Authorization header of a request; NULL
 * when it has no token of a service.
 */
const char *provision_service(const struct req *r, const char **ret_user_id);

#endif

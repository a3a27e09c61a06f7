/*
 * provision_routes: a base service tells that it has a record of a user.
 *
 * Not for clients: the route exists on nginx's internal listener only, and the
 * caller signs a token of seconds with the key that auth shares with that one
 * service: {"iss":SERVICE,"aud":"auth","sub":USER_ID,"iat","exp"}.
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
 * Whose record of whom the token tells: the service's name, or NULL when the
 * token is not one of a base service or its time is over.
 */
const char *provision_token_read(const struct auth *auth, struct arena *a,
    const char *token, int64_t now_s, const char **ret_user_id);

/*
 * The same for the header Authorization of a request; NULL when it has none
 * that is a service's.
 */
const char *provision_service(const struct req *r, const char **ret_user_id);

#endif

/*
 * service_token: how a base service proves to auth which service it is.
 *
 * A JWS of a minute, under the key that auth shares with that service alone:
 * {"iss":SERVICE,"aud":"auth","sub":USER_ID,"iat":N,"exp":N}.
 */
#ifndef APP_SERVICE_TOKEN_H
#define APP_SERVICE_TOKEN_H

#include "web/identity.h"

struct arena;

/*
 * The header "Authorization: Bearer <JWS>"; NULL when the user's id does not
 * fit.
 */
const char *service_token_header(struct arena *a, const char *service,
    const unsigned char key[IDENTITY_KEY_SIZE], const char *user_id);

#endif

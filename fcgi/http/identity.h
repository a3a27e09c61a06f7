/*
 * identity: who a request is, as auth's verify pool asserted it.
 *
 * The assertion is a JWS (HS256) under a key that auth and one service share:
 * {"iss":"auth","aud":SERVICE,"sub":USER_ID,"sid":SESSION_ID,"roles":[...],
 *  "accounts":[SERVICE...],"iat":N,"exp":N}.
 * It reaches the service as the FastCGI parameter KEDGE_IDENTITY alone.
 */
#ifndef HTTP_IDENTITY_H
#define HTTP_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "http/schema.h"

struct arena;

enum { IDENTITY_KEY_SIZE = 32, IDENTITY_TTL_S = 30 };

struct identity {
	const char *user_id;
	const char *session_id;
	struct strings roles;
	struct strings accounts; /* services where the user has a record */
};

/* The key that auth shares with `service`, from auth's secret (HKDF). */
void identity_derive_key(const char *auth_secret, const char *service,
    unsigned char ret_key[IDENTITY_KEY_SIZE]);
/* Base64url text, as it stands in <SERVICE>_IDENTITY_KEY. */
MUST_CHECK bool
identity_read_key(const char *text, unsigned char ret_key[IDENTITY_KEY_SIZE]);

/* NULL when the claims do not fit in a token (JWS_TOKEN_MAX). */
const char *identity_sign(struct arena *a,
    const unsigned char key[IDENTITY_KEY_SIZE], const char *audience,
    const struct identity *who, int64_t now_s);
/*
 * NULL unless signature, issuer, audience and times hold.  `token` may be
 * NULL.  Five seconds of clock difference are forgiven.
 */
const struct identity *identity_verify(struct arena *a,
    const unsigned char key[IDENTITY_KEY_SIZE], const char *audience,
    const char *token, int64_t now_s);
bool strings_has(const struct strings *s, const char *item);

#endif

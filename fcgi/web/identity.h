/*
 * identity: who a request is, as auth's verify pool asserted it.
 *
 * The assertion is a JWS (HS256) under a key that auth and one service share:
 * {"iss":"auth","aud":SERVICE,"sub":USER_ID,"sid":SESSION_ID,"roles":[...],
 *  "accounts":[SERVICE...],"iat":N,"exp":N,"iat_ms":N}
 * and, where the location asks for a role, "required_roles":[...].  It reaches
 * the service as the FastCGI parameter KEDGE_IDENTITY alone.
 *
 * nginx asks auth before it reads the body, so an assertion can be old by the
 * time when the service gets the request: see guard.h.
 */
#ifndef WEB_IDENTITY_H
#define WEB_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "web/schema.h"

struct arena;

enum {
	IDENTITY_KEY_SIZE = 32,
	IDENTITY_TTL_S = 30,
	/*
	 * How long nginx may take to read a body, in all: the oldest assertion
	 * that auth still confirms or refuses.  No time-out of nginx for a body
	 * may be longer.
	 */
	IDENTITY_BODY_MAX_S = 600,
};

struct identity {
	const char *user_id;
	const char *session_id;
	struct strings roles;
	struct strings accounts; /* services where the user has a record */
	/* The location asked for one of required_roles, or admin. */
	bool role_gated;
	struct strings required_roles;

	/* As read; identity_sign() makes them by itself. */
	int64_t issued_at_ms; /* at the latest, if only the second is known */
	int64_t expires_at_s;
	bool has_issued_ms; /* false: signed by an older release */
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
    const struct identity *who, int64_t now_ms);
/*
 * NULL unless signature, issuer, audience and times hold.  `token` may be
 * NULL.  Five seconds of clock difference are forgiven.
 */
const struct identity *identity_verify(struct arena *a,
    const unsigned char key[IDENTITY_KEY_SIZE], const char *audience,
    const char *token, int64_t now_s);
/*
 * Likewise, but the expiry may have passed: NULL only if the assertion is older
 * than IDENTITY_BODY_MAX_S.  Nobody may be let in by this alone.
 */
const struct identity *identity_verify_aged(struct arena *a,
    const unsigned char key[IDENTITY_KEY_SIZE], const char *audience,
    const char *token, int64_t now_s);
/* Whether its expiry has passed. */
bool identity_is_expired(const struct identity *who, int64_t now_s);
bool strings_has(const struct strings *s, const char *item);

#endif

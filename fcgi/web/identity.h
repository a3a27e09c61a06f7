/*
 * identity: who sent a request, as asserted by auth's verify pool.
 *
 * The assertion is a JWS (HS256) under a key that auth and one service share:
 * {"iss":"auth","aud":SERVICE,"sub":USER_ID,"sid":SESSION_ID,"roles":[...],
 * "accounts":[SERVICE...],"iat":N,"exp":N,"iat_ms":N,"credential":KIND} and,
 * where the nginx location requires a role, "required_roles":[...]; if a plugin
 * of auth states something about the session, also "claims":{NAME:TEXT,...}. It
 * reaches the service only as the FastCGI parameter KEDGE_IDENTITY.
 *
 * nginx asks auth before it reads the body, so an assertion can be old when the
 * service gets the request: see guard.h.
 */
#ifndef WEB_IDENTITY_H
#define WEB_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "web/schema.h"

struct arena;
struct json;

enum {
	IDENTITY_KEY_SIZE = 32,
	IDENTITY_TTL_S = 30,
	/*
	 * The longest time that nginx may take in all to read a body.  auth
	 * refuses to confirm assertions that are older, so nginx's timeouts for
	 * bodies must not be longer.
	 */
	IDENTITY_BODY_MAX_S = 600,
};

/*
 * The keys that a service accepts, IDENTITY_KEY_SIZE bytes each.  While auth's
 * secret is rotated, two keys are in use: one process may still sign with the
 * previous key when another one already signs with the new key.
 */
struct identity_keys {
	const unsigned char *current; /* signs, and is accepted; or NULL */
	const unsigned char *previous; /* is accepted, too; or NULL */
};

struct identity {
	const char *user_id;
	const char *session_id;
	struct strings roles;
	struct strings accounts; /* services in which the user has a record */
	/*
	 * The kind of credential of the request: "cookie", "bearer", ...; NULL:
	 * signed by an older release.
	 */
	const char *credential;
	/* The claims that auth's plugins add about the session; NULL: none. */
	const struct json *claims; /* set by identity_verify() */
	/* For identity_sign(): a JSON object whose values are strings. */
	const char *claims_text;
	/*
	 * The nginx location requires one of required_roles, or the role admin.
	 */
	bool role_gated;
	struct strings required_roles;

	/*
	 * identity_verify() sets these times; identity_sign() computes them
	 * itself.
	 */
	/*
	 * If an older release has signed only the second, the end of that
	 * second.
	 */
	int64_t issued_at_ms;
	int64_t expires_at_s;
	bool has_issued_ms; /* false: signed by an older release */
};

/* Derives the key that auth shares with `service` from auth's secret (HKDF). */
void identity_derive_key(const char *auth_secret, const char *service,
    unsigned char ret_key[IDENTITY_KEY_SIZE]);
/* Reads base64url text, the format of <SERVICE>_IDENTITY_KEY. */
MUST_CHECK bool
identity_read_key(const char *text, unsigned char ret_key[IDENTITY_KEY_SIZE]);

/*
 * Returns the assertion as a token, or NULL when the claims do not fit
 * (JWS_TOKEN_MAX).
 */
const char *identity_sign(struct arena *a,
    const unsigned char key[IDENTITY_KEY_SIZE], const char *audience,
    const struct identity *who, int64_t now_ms);
/*
 * Reads an assertion.  Returns NULL unless signature (with one of the keys),
 * issuer, audience and times are valid.  `token` may be NULL.  Clocks may
 * differ by five seconds.
 */
const struct identity *identity_verify(struct arena *a,
    const struct identity_keys *keys, const char *audience, const char *token,
    int64_t now_s);
/*
 * Like identity_verify(), but accepts an assertion that has expired, unless it
 * is older than IDENTITY_BODY_MAX_S.  Its result alone must not let anybody in.
 */
const struct identity *identity_verify_aged(struct arena *a,
    const struct identity_keys *keys, const char *audience, const char *token,
    int64_t now_s);
/* Whether the assertion has expired. */
bool identity_is_expired(const struct identity *who, int64_t now_s);
bool strings_has(const struct strings *s, const char *item);

#endif

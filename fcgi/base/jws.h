/*
 * jws: signs and verifies compact JSON Web Signatures, only with HS256 (RFC
 * 7515, RFC 7518 section 3.2).
 *
 * jws_sign() writes the header {"alg":"HS256"}.  jws_verify() requires this
 * `alg` and refuses a header with a `crit` member.  The caller checks the
 * claims.
 */
#ifndef BASE_JWS_H
#define BASE_JWS_H

#include <stddef.h>

#include "base/attr.h"

struct arena;
struct json;

enum { JWS_TOKEN_MAX = 8192 };

/*
 * Returns a token with these claims.  The claims may have any length, but
 * jws_verify() refuses a token longer than JWS_TOKEN_MAX.
 */
const char *jws_sign(struct arena *a, const void *key, size_t key_len,
    const char *claims_json, size_t claims_len);
/*
 * Verifies a token and returns its claims.  Returns NULL when the token does
 * not have three base64url parts, is longer than JWS_TOKEN_MAX, is not signed
 * with the key, or does not contain a JSON object.
 */
const struct json *
jws_verify(struct arena *a, const void *key, size_t key_len, const char *token);
/*
 * Like jws_verify(), but returns the signed text (*ret_len bytes and a NUL),
 * which need not be JSON.
 */
const char *jws_verify_text(struct arena *a, const void *key, size_t key_len,
    const char *token, size_t *ret_len);

#endif

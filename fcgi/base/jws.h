/*
 * jws: compact JSON Web Signatures, HS256 only (RFC 7515, RFC 7518 section
 * 3.2).
 *
 * The header is written as {"alg":"HS256"}; on reading, `alg` must be HS256 and
 * a `crit` member is refused.  Checking the claims is left to the caller.
 */
#ifndef BASE_JWS_H
#define BASE_JWS_H

#include <stddef.h>

#include "base/attr.h"

struct arena;
struct json;

enum { JWS_TOKEN_MAX = 8192 };

/*
 * Signs claims of any length, although jws_verify() reads no token longer than
 * JWS_TOKEN_MAX.
 */
const char *jws_sign(struct arena *a, const void *key, size_t key_len,
    const char *claims_json, size_t claims_len);
/*
 * Returns the claims.  Returns NULL when the token does not have three
 * base64url parts, is longer than JWS_TOKEN_MAX, is not signed with the key, or
 * does not contain a JSON object.
 */
const struct json *
jws_verify(struct arena *a, const void *key, size_t key_len, const char *token);
/*
 * Like jws_verify(), but returns the signed text (*ret_len bytes and a NUL),
 * whatever it is.
 */
const char *jws_verify_text(struct arena *a, const void *key, size_t key_len,
    const char *token, size_t *ret_len);

#endif

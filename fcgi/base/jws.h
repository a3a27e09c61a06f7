/*
 * jws: compact JSON Web Signatures, HS256 only (RFC 7515, RFC 7518 section
 * 3.2).  The header we write is {"alg":"HS256"}; on reading, `alg` must be
 * HS256 and a `crit` member is refused.  Claims are for the caller.
 */
#ifndef BASE_JWS_H
#define BASE_JWS_H

#include <stddef.h>

#include "base/attr.h"

struct arena;
struct json;

enum { JWS_TOKEN_MAX = 8192 };

/* Signs claims of any length, though we read no token over JWS_TOKEN_MAX. */
const char *jws_sign(struct arena *a, const void *key, size_t key_len,
    const char *claims_json, size_t claims_len);
/*
 * The claims, or NULL when the token is not three base64url parts, is longer
 * than JWS_TOKEN_MAX, is not signed with the key, or holds no JSON object.
 */
const struct json *
jws_verify(struct arena *a, const void *key, size_t key_len, const char *token);
/* Likewise what was signed, *ret_len bytes and a NUL, whatever it is. */
const char *jws_verify_text(struct arena *a, const void *key, size_t key_len,
    const char *token, size_t *ret_len);

#endif

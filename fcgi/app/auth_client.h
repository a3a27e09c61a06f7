/*
 * auth_client: how a base service calls auth, through nginx's internal
 * listener.
 *
 * A call carries the request's trace and says which service calls: by a JWS
 * that is valid for a minute, signed with the key that auth shares with that
 * service alone: {"iss":SERVICE,"aud":"auth","sub":USER_ID,"iat":N,"exp":N}.
 */
#ifndef APP_AUTH_CLIENT_H
#define APP_AUTH_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct http_client_response;
struct req;

struct auth_client {
	const char *service; /* "core" */
	const unsigned char *key; /* of IDENTITY_KEY_SIZE bytes; not copied */
	const char *url; /* "http://auth.internal" */
	const char *prefix; /* what auth answers below: "/api/auth/" */
	const char *socket; /* empty: by the host in url */
};

struct auth_call {
	const char *method;
	const char *path; /* below the prefix: "provision" */
	const char *user_id; /* the call is about this user */
	const char *header; /* one more "Name: value"; or NULL */
	int64_t timeout_ms;
	size_t max_bytes; /* of the answer */
};

/*
 * ERR_NOT_FOUND: auth can know no such user.  ERR_UNAVAILABLE: there was no
 * answer, which has been logged.
 */
MUST_CHECK enum err auth_client_call(const struct auth_client *c, struct req *r,
    const struct auth_call *call, struct http_client_response *ret_response);

#endif

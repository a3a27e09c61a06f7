/*
 * auth_client: calls from a base service to auth, through nginx's internal
 * listener.
 *
 * A call carries the request's trace and names the calling service in a JWS
 * that is valid for one minute, signed with the key that auth shares with this
 * service only: {"iss":SERVICE,"aud":"auth","sub":USER_ID,"iat":N,"exp":N}.
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
	const char *service; /* the name of the calling service: "core" */
	const unsigned char *key; /* IDENTITY_KEY_SIZE bytes, not copied */
	const char *url; /* "http://auth.internal" */
	const char *prefix; /* the prefix of auth's routes: "/api/auth/" */
	const char *socket; /* empty: connect to the host in url */
};

struct auth_call {
	const char *method;
	const char *path; /* the path below auth's prefix: "provision" */
	const char *user_id; /* the user that the call is about */
	const char *header; /* an additional header "Name: value"; or NULL */
	int64_t timeout_ms;
	size_t max_bytes; /* the limit for the response's body */
};

/*
 * Calls auth, and waits for its response.  ERR_NOT_FOUND: the user's id is too
 * long for a token, so auth has no such user.  ERR_UNAVAILABLE: auth did not
 * answer; this was logged.
 */
MUST_CHECK enum err auth_client_call(const struct auth_client *c, struct req *r,
    const struct auth_call *call, struct http_client_response *ret_response);

#endif

/*
 * http_client: outgoing HTTP requests through libcurl, always with limits:
 * timeouts for connecting and for the whole call, a maximum size of the
 * response, no redirects, http and https only.
 *
 * Private, loopback and link-local addresses are refused unless the caller
 * allows them.  The address to which the connection is really made is checked,
 * so that DNS cannot evade the check (address.h).  Proxies from the environment
 * are ignored.  Each thread keeps its connections for the next call.  SIGPIPE
 * must be ignored.
 */
#ifndef HTTP_CLIENT_HTTP_CLIENT_H
#define HTTP_CLIENT_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;

enum { HTTP_CLIENT_BODY_WAIT_MS = 1000 };

struct http_client_request {
	const char *method; /* "GET", "POST", ... */
	const char *url;
	const char *unix_socket; /* NULL or "": connect to the URL's host */
	const char *const *headers; /* "Name: value", ended by NULL; or NULL */
	const char *body; /* NULL: no body */
	size_t body_len;
	int64_t timeout_ms; /* the limit for the whole call */
	size_t max_bytes; /* the most that the response body may have */
	/*
	 * For callers that need only the status: the call succeeds as soon as
	 * the response head has arrived.  The body is then as much of it as has
	 * arrived, at most max_bytes and within HTTP_CLIENT_BODY_WAIT_MS.  If
	 * the body is incomplete, the connection is closed.
	 */
	bool cut_body;
	bool allow_private; /* only for addresses from our own configuration */
	/*
	 * If ret_reason is not NULL, *ret_reason is set to the reason of a
	 * failure, a constant text for people.
	 */
	const char **ret_reason;
};

struct http_client_response {
	int status;
	const char *body; /* in the arena, with a NUL after body_len bytes */
	size_t body_len;
	/*
	 * The header Retry-After (RFC 9110 section 10.2.3: seconds or a date),
	 * in seconds from now; 0 when it is absent or not in the future.  At
	 * most six hours: newer releases of libcurl shorten longer waits to
	 * that.
	 */
	int64_t retry_after_s;
};

/* To be called once, before threads are started. */
void http_client_init(void);
/*
 * Sends a request and waits for the response.  A response with any status is
 * ERR_OK.  ERR_UNAVAILABLE: no response in time.  ERR_TOO_LARGE: the body
 * exceeds max_bytes.  ERR_FORBIDDEN: the address or the scheme is not allowed.
 * ERR_INVALID: the URL is invalid, or a header contains a line break.
 */
MUST_CHECK enum err http_client_call(struct arena *a,
    const struct http_client_request *request,
    struct http_client_response *ret_response);

#endif

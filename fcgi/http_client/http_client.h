/*
 * remote: HTTP out, through libcurl, always with limits: connect and total
 * time, size of the answer, no redirects, http and https only, and no
 * private, loopback or link-local address unless the caller allows it
 * (checked on the address that is connected to, so DNS cannot trick it; see
 * address.h).  Proxies from the environment are ignored.  Each thread keeps
 * its connections for the next call.  SIGPIPE must be ignored.
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
	const char *unix_socket; /* NULL or "": by the url's host */
	const char *const *headers; /* "Name: value", ended by NULL; or NULL */
	const char *body; /* NULL for none */
	size_t body_len;
	int64_t timeout_ms; /* of everything together */
	size_t max_bytes; /* of the answer's body */
	/*
	 * For those who want to know the status whatever comes with it: once
	 * the answer's head is there, the call succeeds.  Its body is what came
	 * of it, at most max_bytes and within HTTP_CLIENT_BODY_WAIT_MS; if that
	 * is not all, or it breaks off, the connection is dropped.
	 */
	bool cut_body;
	bool allow_private; /* for addresses from our own configuration */
	/* What a failure was, a constant, for people; may be NULL. */
	const char **ret_reason;
};

struct http_client_response {
	int status;
	const char *body; /* in the arena, NUL after body_len bytes */
	size_t body_len;
	/*
	 * Retry-After (RFC 9110 section 10.2.3), seconds or a date, in seconds
	 * from now; 0: none, or none that lies ahead.  Six hours at most, which
	 * newer releases of libcurl make of anything longer by themselves.
	 */
	int64_t retry_after_s;
};

/*
 * Whether a URL may be kept for later calls: http or https, a host in plain
 * ASCII, no port 0, no user and password, no fragment.  Without allow_private,
 * a host that is an address must be public, and "localhost" is none; other
 * names are looked up when they are called. ERR_OK, ERR_FORBIDDEN (not public)
 * or ERR_INVALID.
 */
MUST_CHECK enum err http_client_check_url(const char *url, bool allow_private);

/* Once, before threads start. */
void http_client_init(void);
/*
 * ERR_UNAVAILABLE: no answer in time.  ERR_TOO_LARGE: over max_bytes.
 * ERR_FORBIDDEN: the address or scheme is not allowed.  ERR_INVALID: the URL
 * is none, or a header holds a line break.  Any status is ERR_OK.
 */
MUST_CHECK enum err http_client_call(struct arena *a,
    const struct http_client_request *request,
    struct http_client_response *ret_response);

#endif

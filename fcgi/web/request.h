/* request: one request, and the response that is being made for it. */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/json_inexact.h"
#include "fastcgi/request_source.h"
#include "fastcgi/response.h"
#include "web/schema.h"

struct arena;
struct identity;
struct json;
struct log_field;

enum { REQ_PARAMS_MAX_BYTES = 64 * 1024 };

/* The values for the access log line and the metrics of the request. */
struct req_line {
	const char *route; /* the route's pattern, never text from the client */
	int metric;
	/*
	 * A request by Kedge itself, or a very frequent one: a success is
	 * logged at LOG_DEBUG.
	 */
	bool quiet;
	/*
	 * The request is nginx's question to verify about another request
	 * (auth_request), which has its own access line.
	 */
	bool is_subrequest;
	int64_t us; /* microseconds until the response was ready to be sent */
};

enum { PATH_VALUES_MAX = 4, REQ_LOG_FIELDS_MAX = 4 };
struct path_value {
	const char *name; /* the name_len bytes between "{" and "}" of the
	                     route's pattern */
	size_t name_len;
	const char *value;
};

struct req {
	struct arena *arena;
	void *app; /* the service's own struct */
	const struct identity
	    *identity; /* on a guarded route; otherwise NULL */
	void *session; /* for the service's hooks: in auth, the session */
	void *prefetched; /* set by the service's prefetch(); or NULL */

	const char *request_id;
	const char *method;
	const char *path; /* the whole path, normalised by nginx */
	const char *query; /* not decoded; "" when there is none */
	const char
	    *raw_uri; /* the target as the client sent it, with the query */
	const char *host; /* nginx's $host, never the Host header */
	const char *scheme; /* "http" or "https" */
	const char *client_ip; /* the client's address, after nginx's realip */
	const char *trace_id; /* from a valid W3C traceparent; or NULL */
	/* From the same header as trace_id: two hexadecimal digits. */
	const char *trace_flags;
	/*
	 * The user in the access line: the user of `identity`, or one that a
	 * hook found.
	 */
	const char *user_id;
	/*
	 * More fields for the access line: at most REQ_LOG_FIELDS_MAX, ended by
	 * a NULL name; or NULL.
	 */
	const struct log_field *log_fields;

	const struct service *service;
	const struct route *route; /* NULL until a route matched */
	const struct json *body; /* NULL when the request has none */
	struct json_inexact body_inexact;

	/*
	 * The error code, message and fields that req_fail() and req_invalid()
	 * stored; write_error() sends them.
	 */
	const char
	    *error_code; /* NULL: the code that err_info() has for the error */
	const char *error_message;
	int64_t retry_after_s; /* 0: no Retry-After */
	struct problems problems;

	struct response response;

	/* The members below are private to fcgi/. */
	const struct request_source *source;
	/*
	 * When the request began (monotonic time); 0: when service_handle() is
	 * called.
	 */
	int64_t started_us;
	struct path_value path_values[PATH_VALUES_MAX];
	int npath;
	struct req_line line;
	bool answered;
	/*
	 * If not ERR_OK, the request is answered with this error, and no
	 * handler is called.
	 */
	enum err refusal;
};

/*
 * Checks a request's parameters: a list of "NAME=value", ended by NULL.
 * ERR_INVALID: a parameter on which decisions depend (a credential, an origin,
 * anything that nginx sets) is given twice, so that two readers could see two
 * values.  ERR_TOO_LARGE: the parameters exceed REQ_PARAMS_MAX_BYTES together.
 */
MUST_CHECK enum err req_check_params(const char *const *params);

/*
 * Returns a FastCGI parameter that nginx sets ("REMOTE_ADDR"; never HTTP_*), or
 * NULL.
 */
const char *req_param(const struct req *r, const char *name);
/*
 * Returns a request header, named as in its parameter ("SEC_FETCH_SITE"), or
 * NULL.
 */
const char *req_header(const struct req *r, const char *name);

/*
 * Whether the method is GET, HEAD or OPTIONS, which change nothing (RFC 9110
 * section 9.2.1).
 */
bool req_is_safe(const struct req *r);
/*
 * Whether the request has a body, judged by its Content-Length.  A body that
 * was sent without a length has one once it has been received completely.
 */
bool req_has_body(const struct req *r);

/*
 * Whether the client has disconnected.  This costs a system call, so call it
 * before expensive work only.  Any thread may call it while the request waits.
 */
bool req_is_abandoned(const struct req *r);

/*
 * Records the code and the message of the error response, and returns e.  Texts
 * are not copied.
 */
enum err
req_fail(struct req *r, enum err e, const char *code, const char *message);
/* Records the error of one field; returns ERR_INVALID. */
enum err req_invalid(struct req *r, const char *field, const char *message);

/* Adds a response header.  The value must not contain CR or LF (asserted). */
void req_add_header(struct req *r, const char *name, const char *value);
/*
 * Adds a Set-Cookie header; it replaces a cookie of the same name that the
 * response already has.
 */
void req_add_cookie(struct req *r, const char *set_cookie);
/*
 * Sets the status of a response that is written by the `out` schema.  Without
 * this call the response has the route's status.
 */
void req_set_status(struct req *r, int status);
/*
 * Answers with these bytes, which are not copied, instead of a struct of the
 * `out` schema.  content_type NULL and len 0: an empty body.
 */
void req_answer(struct req *r, int status, const char *content_type,
    const char *body, size_t len);
/*
 * Answers with status 200 and a stream, which is copied.  The stream is asked
 * for its pieces after the handler has returned.  If the first piece cannot be
 * made, the response is an error.
 */
void req_stream(
    struct req *r, const char *content_type, const struct stream *stream);

#endif

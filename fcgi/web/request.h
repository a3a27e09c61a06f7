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

/* What the log line and the metrics of the request will contain. */
struct req_line {
	const char *route; /* the route's pattern, never text from the client */
	int metric;
	bool
	    quiet; /* a request by this system itself, or a very frequent one */
	/*
	 * nginx asks about another request (auth_request), which has its own
	 * access line.
	 */
	bool is_subrequest;
	int64_t us; /* microseconds until the response was made */
};

enum { PATH_VALUES_MAX = 4, REQ_LOG_FIELDS_MAX = 4 };
struct path_value {
	const char *name; /* as in "{name}"; name_len bytes of the pattern */
	size_t name_len;
	const char *value;
};

struct req {
	struct arena *arena;
	void *app; /* the service's own struct */
	const struct identity
	    *identity; /* on a guarded route; otherwise NULL */
	void *session; /* for the service's hooks: auth's session */
	void *prefetched; /* set by the service's prefetch(); or NULL */

	const char *request_id;
	const char *method;
	const char *path; /* the whole path, normalised by nginx */
	const char *query; /* not decoded; "" when there is none */
	const char
	    *raw_uri; /* the target as the client sent it, with the query */
	const char *host; /* nginx's $host, never the Host header */
	const char *scheme; /* "http" or "https" */
	const char *client_ip; /* after nginx's realip */
	const char *trace_id; /* from a valid W3C traceparent; or NULL */
	const char
	    *trace_flags; /* from the same header: two hexadecimal digits */
	/*
	 * The user in the access line: the identity's, or one that a hook
	 * found.
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

	/* What req_fail() and req_invalid() recorded, for write_error(). */
	const char *error_code; /* NULL: the one of err_info() */
	const char *error_message;
	int64_t retry_after_s; /* 0: none */
	struct problems problems;

	struct response response;

	/* Private to fcgi/. */
	const struct request_source *source;
	int64_t begun_us; /* monotonic; 0: when service_handle() is called */
	struct path_value path_values[PATH_VALUES_MAX];
	int npath;
	struct req_line line;
	bool answered;
	enum err
	    refusal; /* not ERR_OK: the error to return instead of serving */
};

/*
 * Checks a request's parameters, "NAME=value", ended by NULL.  ERR_INVALID: one
 * on which decisions depend (a credential, an origin, one that nginx sets) is
 * given twice, so that two readers could see two values.  ERR_TOO_LARGE: they
 * exceed REQ_PARAMS_MAX_BYTES together.
 */
MUST_CHECK enum err req_check_params(const char *const *params);

/* A FastCGI parameter set by nginx: "REMOTE_ADDR"; never HTTP_*. */
const char *req_param(const struct req *r, const char *name);
/* A request header, named as in its parameter: "SEC_FETCH_SITE"; or NULL. */
const char *req_header(const struct req *r, const char *name);

/* True for GET, HEAD and OPTIONS: RFC 9110 section 9.2.1. */
bool req_is_safe(const struct req *r);
/*
 * Whether the request has a body; known from its length once it has been
 * received completely.
 */
bool req_has_body(const struct req *r);

/*
 * Whether the client has disconnected.  Costs a system call, so call it before
 * expensive work only.  Any thread may call it while the request waits.
 */
bool req_is_abandoned(const struct req *r);

/*
 * Records what the error response will say, and returns e.  Texts are not
 * copied.
 */
enum err
req_fail(struct req *r, enum err e, const char *code, const char *message);
/* Records the error of one field; returns ERR_INVALID. */
enum err req_invalid(struct req *r, const char *field, const char *message);

/* A value must not contain CR or LF (asserted). */
void req_add_header(struct req *r, const char *name, const char *value);
/* Replaces a cookie of the same name that the response already has. */
void req_add_cookie(struct req *r, const char *set_cookie);
/* Replaces the route's status, for a response by the out schema. */
void req_set_status(struct req *r, int status);
/*
 * Answers with these bytes instead of the out schema.  type NULL and len 0: an
 * empty body.  The bytes are not copied.
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

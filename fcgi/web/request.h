/* request: one request and the answer that is being made for it. */
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

/* What a request's lines in log and metrics will say of it. */
struct req_line {
	const char *route; /* the pattern; never what the client sent */
	int metric;
	bool quiet; /* asked for by ourselves, or by the thousand */
	/*
	 * nginx asks about another request (auth_request), which has an access
	 * line of its own: the event of this one is its route.
	 */
	bool is_subrequest;
	int64_t us; /* until the answer was made */
};

enum { PATH_VALUES_MAX = 4, REQ_LOG_FIELDS_MAX = 4 };
struct path_value {
	const char *name; /* as in "{name}"; name_len bytes of the pattern */
	size_t name_len;
	const char *value;
};

struct req {
	struct arena *arena;
	void *app; /* the service's own */
	const struct identity *identity; /* of a guarded route; else NULL */
	void *session; /* for the service's hooks: auth's session */
	void *prefetched; /* by the service's prefetch(); or NULL */

	const char *request_id;
	const char *method;
	const char *path; /* nginx's normalised path, whole */
	const char *query; /* raw; "" when there is none */
	const char *raw_uri; /* the target as it was sent, with the query */
	const char *host; /* nginx's $host, never the Host header */
	const char *scheme; /* "http" or "https" */
	const char *client_ip; /* after nginx's realip */
	const char *trace_id; /* of a valid W3C traceparent; or NULL */
	const char *trace_flags; /* with it: two hex digits */
	/* Whom the access line names: the identity's, or what a hook found. */
	const char *user_id;
	/*
	 * What else it says: at most REQ_LOG_FIELDS_MAX, ended as log_event_()
	 * wants it; or NULL.
	 */
	const struct log_field *log_fields;

	const struct service *service;
	const struct route *route; /* NULL until matched */
	const struct json *body; /* NULL when the request has none */
	struct json_inexact body_inexact;

	/* What req_fail and req_invalid recorded, for the error's writer. */
	const char *error_code; /* NULL: err_info's */
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
	enum err refusal; /* not ERR_OK: what to answer instead of serving */
};

/*
 * Judges a request's parameters, "NAME=value" ended by NULL.  ERR_INVALID: one
 * that decisions rest on (a credential, an origin, what nginx sets) is there
 * twice, so that two readers could see two values.  ERR_TOO_LARGE: more than
 * REQ_PARAMS_MAX_BYTES in all.
 */
MUST_CHECK enum err req_check_params(const char *const *params);

/* A FastCGI parameter that nginx set: "REMOTE_ADDR"; never HTTP_*. */
const char *req_param(const struct req *r, const char *name);
/* A request header in parameter spelling: "SEC_FETCH_SITE"; or NULL. */
const char *req_header(const struct req *r, const char *name);

/* GET, HEAD and OPTIONS: RFC 9110 section 9.2.1. */
bool req_is_safe(const struct req *r);
/* By its length, which is known when all of it is here. */
bool req_has_body(const struct req *r);

/*
 * Whether nobody waits for the answer any more.  Costs a system call: it is for
 * before what costs much more.  Any thread may ask while the request waits.
 */
bool req_is_abandoned(const struct req *r);

/* Records what the error answer says and returns e.  Texts are not copied. */
enum err
req_fail(struct req *r, enum err e, const char *code, const char *message);
/* Records one field's error; returns ERR_INVALID. */
enum err req_invalid(struct req *r, const char *field, const char *message);

/* The header Location: what was made, below the service's prefix. */
void req_add_location(struct req *r, const char *collection, const char *id);
/* Values must hold no CR or LF (asserted). */
void req_add_header(struct req *r, const char *name, const char *value);
/* Instead of one of the same name that the answer has already. */
void req_add_cookie(struct req *r, const char *set_cookie);
/* Instead of the route's status, for an answer by the out schema. */
void req_set_status(struct req *r, int status);
/*
 * Answers with these bytes instead of by the out schema.  type NULL and
 * len 0: an empty body.  The bytes are not copied.
 */
void req_answer(struct req *r, int status, const char *content_type,
    const char *body, size_t len);
/*
 * Answers with status 200 and a stream, which is copied.  After the handler has
 * returned, the stream is asked for its pieces.  When the first one cannot be
 * made, the answer is an error.
 */
void req_stream(
    struct req *r, const char *content_type, const struct stream *stream);

#endif

/*
 * service: routes in, running FastCGI service out.
 *
 * For every request: what nginx set (500), the path as sent (400),
 * hooks->before, route lookup (404, 405), the route's guard, media type and
 * body (415, 413, 400), hooks->screen (limits, before anything costs more),
 * schema and what is in none (400), the verdict once more if it is old,
 * hooks->guard, handler, answer.  A failure at any step is written by
 * write_error.  When it is sent, access_end() logs and counts it.
 *
 * What app/builtin.h adds to each service is answered before that.
 */
#ifndef WEB_SERVICE_H
#define WEB_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/metrics.h"
#include "web/identity.h"
#include "web/request.h"
#include "web/schema.h"

struct buf;
struct service;

#define KEDGE_VERSION "0.1.0"

/* A header of a route's success, for OpenAPI. */
struct route_header {
	const char *name;
	const char *doc;
};
#define LOCATION_HEADER                                      \
	{                                                    \
		"Location", "The address of what was made.", \
	}

/* A code of the service's own for an error, for OpenAPI. */
struct service_code {
	const char *code;
	enum err err;
	const char *message;
};

enum route_guard {
	GUARD_IDENTITY, /* the default: a valid assertion, else 401 */
	GUARD_NONE, /* anybody */
};

/* How often one client may ask: so often at once, refilled evenly. */
struct route_rate {
	int64_t burst; /* 0: as the service has it for all */
	int64_t period_s;
};

struct route {
	const char *method; /* NULL ends the list; GET takes HEAD as well */
	const char *path; /* below the prefix: "/tasks/{id}" */
	/* ERR_OK: *out_struct is written by `out`, or req_answer was used. */
	enum err (*handler)(
	    struct req *r, const void *in_struct, void *out_struct);
	const char *summary;
	enum route_guard guard;
	const char *role; /* needed besides; admin always passes; NULL: none */
	unsigned flags; /* the service's own, for its hooks */
	struct route_rate rate; /* likewise; a row with one has its own count */
	struct schema in;
	struct schema out;
	int status; /* of success; 0: 200, or 204 without `out` */
	size_t body_max_bytes; /* 0: 64 KiB */
	bool body_form; /* a form body is read as well as JSON */
	bool body_optional; /* no body reads as {} */
	/*
	 * Neither the handler nor a hook of the service waits for anything: the
	 * event loop answers by itself, without a thread.
	 */
	bool prompt;
	unsigned errors; /* BIT(ERR_...): declared, for OpenAPI */
	/* OpenAPI alone, from here on. */
	const struct route_header *headers; /* of success; NULL name ends */
	const struct field *query; /* what the handler reads by itself */
	bool unlisted; /* no part of it: nothing that a client could use */
};
#define BIT(e) (1u << (unsigned)(e))
/*
 * A flag of the library's; a service's own start at 1.  The route works without
 * the user's record, so there is no first contact.
 */
#define ROUTE_NO_RECORD (1u << 31)

struct service_hooks {
	/* Before routing; may refuse anything (rate limits).  May be NULL. */
	enum err (*before)(struct req *r);
	/* After the body is parsed, before its schema is applied. */
	enum err (*screen)(struct req *r);
	/* After the schema, before the handler. */
	enum err (*guard)(struct req *r);
	/* NULL: the standard body {code,message,requestId[,fields]}. */
	void (*write_error)(struct req *r, enum err e);
	/*
	 * Adds members ("db":"ok","cache":"away") to /health/ready.  False: not
	 * ready, and the answer is a 503.
	 */
	bool (*ready)(void *app, struct buf *members);
	/*
	 * Adds to /metrics; may wait for the database, since it is called in
	 * the background (scrape.h).  May be NULL.
	 */
	void (*metrics)(void *app, struct buf *b);
	/* Likewise; service_main() fills it in for what a library adds. */
	void (*library_metrics)(void *app, struct buf *b);
};

/*
 * What is answered before routing, without guards, hooks and bodies: a
 * service's metrics, say.  GET and HEAD alone.
 */
struct builtin {
	const char *path; /* whole, or below the prefix; NULL ends the list */
	bool below_prefix;
	void (*answer)(const struct service *s, struct req *r);
	bool nonblocking; /* as a route's */
};

/* The routes of a service as numbers of base/metrics.h. */
struct service_metrics {
	int builtin;
	int handle_all;
	int routes[METRICS_ROUTES_MAX]; /* by router_find()'s index */
};

enum { SERVICE_PREFETCH_MAX = 32 };

struct service {
	const char *name; /* "core": assertion audience, log, metrics */
	const char *title; /* of the OpenAPI document */
	const char *prefix; /* "/api/core", unless PREFIX says otherwise */
	const struct route *const *routes; /* NULL-ended list of route lists */
	const struct builtin *builtins; /* or NULL */
	struct service_hooks hooks;
	/*
	 * NULL, or: answers every request, before the library's own paths and
	 * without routes, guards and bodies.  For a pool whose KEDGE_PATH is
	 * another service's (auth's verify): nothing in it may choose an answer
	 * by path.
	 */
	enum err (*handle_all)(struct req *r);
	/*
	 * With handle_all: the route of its requests in metrics and log.  They
	 * are subrequests of nginx's, and logged at LOG_DEBUG while below 400,
	 * with this name as their event.
	 */
	const char *handle_all_route;
	/*
	 * NULL, or, beside handle_all: gets what that will need for all of
	 * these requests, in one round trip, and leaves it in their
	 * `prefetched`.  Says which of them can be answered at once, as those
	 * of a route's `prompt` are.  Of the requests, SERVICE_PREFETCH_MAX at
	 * most, only app, source and arena are set.
	 */
	void (*prefetch)(
	    void *app, struct req *const *rs, bool *ret_ready, size_t n);
	/*
	 * NULL, or: asked just before the event loop answers what prefetch has
	 * called ready.  False: answering would now wait for something, and is
	 * left to a thread.
	 */
	bool (*is_still_ready)(void *app, struct req *r);
	/* NULL: guarded routes answer 401 to everybody. */
	const unsigned char *identity_key;
	/*
	 * Asks auth whether an assertion that is too old still holds
	 * (guard.h); may wait.  ERR_OK: *ret_who is what auth says now.  NULL:
	 * an assertion that is too old is 401.
	 */
	enum err (*reverify)(struct req *r, const char *assertion,
	    const struct identity **ret_who);
	/*
	 * For OpenAPI: routes of GUARD_NONE that have one of these flags want
	 * the session cookie, because a hook of the service sees to it.
	 */
	unsigned session_flags;
	const char *session_cookie; /* its name, for OpenAPI */
	/*
	 * Routes of GUARD_NONE ignore bodies without a type, query parameters
	 * and headers that they do not read, as BetterAuth's do.  See input.h.
	 */
	bool ignores_unknown;
	const struct service_code *codes; /* ended by a NULL code; or NULL */
	/* NULL: every request counts as one of no route. */
	const struct service_metrics *metrics;
	/* The total time of a body; see fastcgi/bodies.h. */
	int64_t body_timeout_us;
	void *app;
};

/*
 * Answers one request: fills r->response.  What this thread logs from then on
 * has the request's id, until log_set_request(NULL, NULL).  No FastCGI in it:
 * the event loop, the unit tests and the fuzzers call it alike.  r is zeroed by
 * the caller except arena and source, and what prefetch() has set.
 */
void service_handle(const struct service *s, struct req *r);
/* Whether that will wait for nothing, by what r->source has. */
bool service_is_prompt(const struct service *s, const struct req *r);

/*
 * How many bytes of its body are worth keeping: a longer one is refused.  By
 * what r->source has of the parameters.
 */
size_t service_body_max(const struct service *s, const struct req *r);

/* Before the workers are forked, so that they agree on the numbers. */
void
service_number_routes(const struct service *s, struct service_metrics *ret_m);

/* The OpenAPI 3.1 document. */
void service_openapi(const struct service *s, struct buf *b);

#endif

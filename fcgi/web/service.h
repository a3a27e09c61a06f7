/*
 * service: the routes, hooks and settings of a service, and how a request is
 * answered.
 *
 * The steps for every request, with the status when a step fails: nginx's
 * parameters (500), the original path (400), hooks->before, route lookup (404,
 * 405), the route's guard, media type and body (415, 413, 400), hooks->screen
 * (limits, before anything expensive), schema and unknown input (400), a second
 * verdict if the first one is too old, hooks->guard, handler, response.
 * write_error writes the response for the failure of any step.  After the
 * response was sent, access_end() logs and counts the request.
 *
 * The routes that app/builtin.h adds to each service are answered before these
 * steps.
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
#include "web/route.h"

struct buf;
struct service;

#define KEDGE_VERSION "0.1.0"

/* An error code of the service, for OpenAPI. */
struct service_code {
	const char *code;
	enum err err;
	const char *message;
};

struct service_hooks {
	/*
	 * Called before routing; may refuse anything (rate limits).  May be
	 * NULL.
	 */
	enum err (*before)(struct req *r);
	/* Called after the body is parsed, before its schema is applied. */
	enum err (*screen)(struct req *r);
	/* Called after the schema is applied, before the handler. */
	enum err (*guard)(struct req *r);
	/*
	 * Writes the response for an error.  NULL: the standard body
	 * {code,message,requestId[,fields]}.
	 */
	void (*write_error)(struct req *r, enum err e);
	/*
	 * Adds members ("db":"ok","cache":"away") to /health/ready.  Returns
	 * false when the service is not ready; the response is then a 503.
	 */
	bool (*ready)(void *app, struct buf *members);
	/*
	 * Adds the service's own metrics to /metrics.  The hook may wait for
	 * the database, because it is called in the background (scrape.h).  May
	 * be NULL.
	 */
	void (*metrics)(void *app, struct buf *b);
	/*
	 * Like metrics(), for metrics that the library adds; service_main()
	 * sets it.
	 */
	void (*library_metrics)(void *app, struct buf *b);
};

/*
 * A route that is answered before routing, without guards, hooks and bodies,
 * such as a service's metrics.  GET and HEAD only.
 */
struct builtin {
	const char *path; /* a whole path, or one below the prefix; NULL ends
	                     the list */
	bool below_prefix;
	void (*answer)(const struct service *s, struct req *r);
	bool nonblocking; /* as in struct route */
};

/* The numbers of a service's routes in base/metrics.h. */
struct service_metrics {
	int builtin;
	int handle_all;
	int routes[METRICS_ROUTES_MAX]; /* indexed by *ret_index of
	                                   router_find() */
};

enum { SERVICE_PREFETCH_MAX = 32 };

struct service {
	const char
	    *name; /* "core": audience of assertions, name in log and metrics */
	const char *title; /* the title of the OpenAPI document */
	const char *prefix; /* "/api/core", unless PREFIX is set */
	const struct route *const
	    *routes; /* a list of route lists, ended by NULL */
	const struct builtin *builtins; /* may be NULL */
	struct service_hooks hooks;
	/*
	 * If not NULL, answers every request, before the library's own paths
	 * and without routes, guards and bodies.  This is for a pool that
	 * answers nginx's question about a request to another service (auth's
	 * verify): KEDGE_PATH is then a path of that service, which must not
	 * select a response here.
	 */
	enum err (*handle_all)(struct req *r);
	/*
	 * With handle_all: the route of all requests in metrics and log.  They
	 * are subrequests of nginx, and logged at LOG_DEBUG while their status
	 * is below 400.
	 */
	const char *handle_all_route;
	/*
	 * NULL, or: reads in one round trip what the given requests need, and
	 * stores it in their `prefetched`.  Reports which of these requests can
	 * be answered at once, without a thread.  On entry ret_ready[i] says
	 * whether the request's route is nonblocking.  There are at most
	 * SERVICE_PREFETCH_MAX requests, of which only app, source and arena
	 * are set.
	 */
	void (*prefetch)(
	    void *app, struct req *const *rs, bool *ret_ready, size_t n);
	/*
	 * NULL, or: called just before the event loop answers a request that
	 * prefetch() has reported as ready.  Returns false when the loop would
	 * now have to wait; a thread then answers.
	 */
	bool (*is_still_ready)(void *app, struct req *r);
	/* Without a current key, guarded routes answer 401 to every request. */
	struct identity_keys identity_keys;
	/*
	 * Asks auth whether an assertion that is too old is still valid
	 * (guard.h); may wait.  ERR_OK: *ret_who is the new identity.  NULL: an
	 * assertion that is too old gives 401.
	 */
	enum err (*reverify)(struct req *r, const char *assertion,
	    const struct identity **ret_who);
	/*
	 * For OpenAPI: routes with GUARD_NONE and one of these flags need the
	 * session cookie, because a hook of the service checks it.
	 */
	unsigned session_flags;
	const char *session_cookie; /* the cookie's name, for OpenAPI */
	/*
	 * Routes with GUARD_NONE ignore bodies without a type, query parameters
	 * and headers that they do not read, as BetterAuth does.  See input.h.
	 */
	bool ignores_unknown;
	const struct service_code
	    *codes; /* error codes, ended by a NULL code; or NULL */
	/* NULL: requests are counted without a route. */
	const struct service_metrics *metrics;
	/* The time limit for a whole body; see fastcgi/bodies.h. */
	int64_t body_timeout_us;
	void *app;
};

/*
 * Answers one request: fills r->response.  From then on this thread's log lines
 * have the request's id, until log_set_request(NULL, NULL).  The function knows
 * nothing of FastCGI: the event loop, the unit tests and the fuzzers call it in
 * the same way.  The caller zeroes r, except arena, source and what prefetch()
 * has set.
 */
void service_handle(const struct service *s, struct req *r);
/*
 * Whether handling the request will not wait, judged by the parameters in
 * r->source.
 */
bool service_is_nonblocking(const struct service *s, const struct req *r);

/*
 * Returns how many bytes of the request's body should be kept, judged by the
 * parameters in r->source.  A longer body is refused.
 */
size_t service_body_max(const struct service *s, const struct req *r);

/*
 * Adds the header Location: the address of a created item, below the service's
 * prefix.
 */
void
service_add_location(struct req *r, const char *collection, const char *id);

/*
 * Gives each route its number in the metrics.  To be called before the workers
 * are forked, so that all of them use the same numbers.
 */
void
service_number_routes(const struct service *s, struct service_metrics *ret_m);

/* Writes the OpenAPI 3.1 document. */
void service_openapi(const struct service *s, struct buf *b);

#endif

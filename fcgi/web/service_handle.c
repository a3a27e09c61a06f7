/* service_handle: processes a request step by step until its response. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "web/answer.h"
#include "web/body.h"
#include "web/guard.h"
#include "web/input.h"
#include "web/log_events.h"
#include "web/params.h"
#include "web/poison_request.h"
#include "web/router.h"
#include "web/service.h"

enum {
	METRIC_OTHER = -1,
	LABEL_SIZE = 256,
	HANDLE_ALL_BODY_BYTES = 1024 * 1024,
};

/*
 * Logs an error that the route's row does not declare.  Some errors may occur
 * on any route, and need not be declared.
 */
static void
check_declared(const struct req *r, enum err e)
{
	unsigned implied = BIT(ERR_OK) | BIT(ERR_INVALID) |
	                   BIT(ERR_UNAUTHENTICATED) | BIT(ERR_ABANDONED) |
	                   BIT(ERR_INTERNAL) | BIT(ERR_UNAVAILABLE);

	if (((implied | r->route->errors) & BIT(e)) == 0)
		log_event(LOG_WARN, EVENT_ERROR_NOT_DECLARED,
		    LOG_TEXT("route", r->route->path),
		    LOG_TEXT("code", err_info(e)->code));
}

static enum err
call_handler(struct req *r, const void *in)
{
	const struct schema *out = &r->route->out;
	void *out_struct = NULL;
	enum err e;

	if (out->size != 0)
		out_struct = arena_alloc(
		    r->arena, out->array ? sizeof(struct objects) : out->size);
	e = r->route->handler(r, in, out_struct);
	if (e != ERR_OK) {
		check_declared(r, e);
		return e;
	}

	return r->answered ? ERR_OK : answer_output(r, out_struct);
}

static enum err
call_hook(enum err (*hook)(struct req *r), struct req *r)
{
	return hook != NULL ? hook(r) : ERR_OK;
}

static enum err
run_route(const struct service *s, struct req *r)
{
	void *in = NULL;
	enum err e;

	e = guard_identify(s, r);
	if (e != ERR_OK)
		return e;
	e = body_read(r, input_is_strict(s, r->route));
	if (e != ERR_OK)
		return e;
	e = call_hook(s->hooks.screen, r);
	if (e != ERR_OK)
		return e;
	e = input_read(s, r, &in);
	if (e != ERR_OK)
		return e;
	e = guard_confirm(s, r);
	if (e != ERR_OK)
		return e;
	e = call_hook(s->hooks.guard, r);
	if (e != ERR_OK)
		return e;

	return call_handler(r, in);
}

/*
 * Finds the builtin route with that path.  A client can reach it only if the
 * path is below the service's prefix: nginx's location for the service passes
 * on no other paths.
 */
static const struct builtin *
find_builtin(const struct service *s, const char *path)
{
	bool below = str_has_prefix(path, s->prefix);
	const struct builtin *b = s->builtins;

	if (below)
		path += strlen(s->prefix);
	for (; b != NULL && b->path != NULL; b++) {
		if (b->below_prefix == below && strcmp(path, b->path) == 0)
			return b;
	}
	return NULL;
}

static enum err
run_builtin(const struct service *s, struct req *r, const struct builtin *own)
{
	r->line = (struct req_line){
		.route = own->path,
		.metric =
		    s->metrics != NULL ? s->metrics->builtin : METRIC_OTHER,
		.quiet = true,
	};
	if (strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0) {
		req_add_header(r, "Allow", "GET, HEAD");
		return ERR_METHOD;
	}
	own->answer(s, r);

	return ERR_OK;
}

/*
 * Whether handle_all of the service handles the request. nginx sends a question
 * for a verdict with the parameter of the audience, even if the audience is
 * empty. A request without that parameter is for the pool itself: its metrics
 * or its health.
 */
static bool
is_for_handle_all(const struct service *s, const struct req *r)
{
	return s->handle_all != NULL &&
	       (req_param(r, "KEDGE_AUDIENCE") != NULL ||
		   find_builtin(s, r->path) == NULL);
}

static enum err
dispatch(const struct service *s, struct req *r)
{
	const char *allow = NULL;
	const struct builtin *own;
	int index;
	enum err e;

	if (is_for_handle_all(s, r)) {
		r->line = (struct req_line){
			.route = s->handle_all_route,
			.metric = s->metrics != NULL ? s->metrics->handle_all
			                             : METRIC_OTHER,
			.quiet = true,
			.is_subrequest = true,
		};
		return s->handle_all(r);
	}
	own = find_builtin(s, r->path);
	if (own != NULL)
		return run_builtin(s, r, own);

	e = call_hook(s->hooks.before, r);
	if (e != ERR_OK)
		return e;
	e = router_find(s, r, &index, &allow);
	if (e != ERR_OK) {
		if (e == ERR_METHOD)
			req_add_header(r, "Allow", allow);
		return e;
	}
	r->line.route = r->route->path;
	if (s->metrics != NULL)
		r->line.metric = s->metrics->routes[index];

	return run_route(s, r);
}

/*
 * Makes the first piece of a stream before anything is sent.  If that fails,
 * the response is an error; a stream of one piece is sent as a plain body.
 */
static enum err
begin_stream(struct req *r)
{
	const struct stream *stream = r->response.stream;
	bool done = false;
	struct buf piece;
	enum err e;

	if (stream == NULL || str_eq(r->method, "HEAD"))
		return ERR_OK;
	buf_init(&piece, r->arena, STREAM_PIECE_MAX_BYTES);
	e = stream_next(stream, r->arena, &piece, &done);
	if (e != ERR_OK)
		return e;
	r->response.body = piece.data;
	r->response.body_len = piece.len;
	if (done)
		r->response.stream = NULL;
	return ERR_OK;
}

static enum err
count_start(const struct req *r)
{
	if (poison_request_start(r->request_id))
		return ERR_OK;
	log_event(LOG_ERROR, EVENT_REQUEST_REFUSED_AFTER_CRASHES,
	    LOG_TEXT("method", r->method), LOG_TEXT("path", r->path),
	    LOG_NUM("workers", POISON_REQUEST_STARTS));
	return ERR_INTERNAL;
}

void
service_handle(const struct service *s, struct req *r)
{
	enum err e;

	if (r->started_us == 0)
		r->started_us = clock_monotonic_us();
	r->line = (struct req_line){ .route = "", .metric = METRIC_OTHER };
	r->app = s->app;
	r->service = s;
	e = params_read(s, r);
	if (e == ERR_OK)
		e = r->refusal;
	if (e == ERR_OK)
		e = count_start(r);
	if (e == ERR_OK)
		e = dispatch(s, r);
	if (e == ERR_OK && !r->answered) {
		log_event(LOG_ERROR, EVENT_NO_RESPONSE,
		    LOG_TEXT("route", r->line.route));
		e = ERR_INTERNAL;
	}
	if (e == ERR_OK)
		e = begin_stream(r);
	if (e != ERR_OK)
		answer_error(s, r, e);
	answer_forbid_storing(s, r);
	r->response.omit_body = str_eq(r->method, "HEAD");
	r->line.us = clock_monotonic_us() - r->started_us;
	if (r->request_id != NULL)
		poison_request_end(r->request_id);
}

size_t
service_body_max(const struct service *s, const struct req *r)
{
	struct req probe = {
		.arena = r->arena,
		.source = r->source,
		.method = params_get(r, "REQUEST_METHOD"),
		.path = params_get(r, "KEDGE_PATH"),
	};
	const char *allow;
	int index;

	if (s->handle_all != NULL)
		return HANDLE_ALL_BODY_BYTES;
	if (router_find(s, &probe, &index, &allow) != ERR_OK)
		return 0;
	return body_max(&probe, probe.route);
}

bool
service_is_nonblocking(const struct service *s, const struct req *r)
{
	struct req probe = {
		.arena = r->arena,
		.source = r->source,
		.method = params_get(r, "REQUEST_METHOD"),
		.path = params_get(r, "KEDGE_PATH"),
	};
	const struct builtin *own;
	const char *allow;
	int metric;

	if (s->handle_all != NULL)
		return false;
	own = find_builtin(s, probe.path);
	if (own != NULL)
		return own->nonblocking;
	/*
	 * A request with a body may have to wait for a second verdict of auth:
	 * see guard.h.
	 */
	return router_find(s, &probe, &metric, &allow) == ERR_OK &&
	       probe.route->nonblocking &&
	       (probe.route->guard == GUARD_NONE ||
		   (req_is_safe(&probe) && !req_has_body(&probe)));
}

static int
number_of(const struct service *s, const struct route *row)
{
	char label[LABEL_SIZE];

	snprintf(label, sizeof(label), "%s %s%s", row->method,
	    row->whole_path ? "" : s->prefix, row->path);
	return metrics_route(label);
}

void
service_number_routes(const struct service *s, struct service_metrics *ret_m)
{
	int n = 0;

	ret_m->builtin = metrics_route("builtin");
	ret_m->handle_all = METRIC_OTHER;
	if (s->handle_all != NULL) {
		ret_m->handle_all = metrics_route(s->handle_all_route);
		return; /* a service with handle_all has no routes */
	}
	for (const struct route *const *list = s->routes; *list != NULL;
	     list++) {
		for (const struct route *row = *list; row->method != NULL;
		     row++) {
			assert(n < METRICS_ROUTES_MAX);
			ret_m->routes[n++] = number_of(s, row);
		}
	}
}

void
service_add_location(struct req *r, const char *collection, const char *id)
{
	req_add_header(r, "Location",
	    arena_printf(
		r->arena, "%s%s/%s", r->service->prefix, collection, id));
}

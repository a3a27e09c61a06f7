#include "web/service_application.h"

#include <assert.h>

#include "base/log.h"
#include "web/access.h"
#include "web/flow_key.h"
#include "web/request.h"
#include "web/service.h"

static void
begin(const void *ctx, void *request, struct arena *a,
    const struct request_source *source)
{
	const struct service *s = ctx;

	*(struct req *)request = (struct req){
		.arena = a,
		.source = source,
		.app = s->app,
	};
}

static bool
is_nonblocking(const void *ctx, const void *request)
{
	return service_is_nonblocking(ctx, request);
}

static void
prefetch(const void *ctx, void *const *requests, bool *ret_ready, size_t count)
{
	struct req *rs[APPLICATION_ROUND_MAX];
	const struct service *s = ctx;

	static_assert(
	    (int)APPLICATION_ROUND_MAX <= (int)SERVICE_PREFETCH_MAX, "");
	if (s->prefetch == NULL)
		return;
	for (size_t i = 0; i < count; i++)
		rs[i] = requests[i];
	s->prefetch(s->app, rs, ret_ready, count);
}

static bool
is_still_ready(const void *ctx, void *request)
{
	const struct service *s = ctx;

	return s->is_still_ready == NULL || s->is_still_ready(s->app, request);
}

static uint64_t
key_of(const void *ctx UNUSED, const void *request)
{
	return flow_key(request);
}

static size_t
max_of_body(const void *ctx, const void *request)
{
	return service_body_max(ctx, request);
}

static const struct response *
handle(const void *ctx, void *request, int64_t started_us)
{
	struct req *r = request;

	r->started_us = started_us;
	service_handle(ctx, r);
	return &r->response;
}

static const struct response *
refuse(const void *ctx, void *request, int64_t started_us, enum err e)
{
	((struct req *)request)->refusal = e;
	return handle(ctx, request, started_us);
}

static void
done(const void *ctx UNUSED, const void *request, struct sent sent)
{
	access_end(request, sent);
	log_set_request(NULL, NULL);
}

struct application
service_application(const struct service *s)
{
	return (struct application){
		.ctx = s,
		.request_bytes = sizeof(struct req),
		.begin = begin,
		.is_nonblocking = is_nonblocking,
		.prefetch = prefetch,
		.is_still_ready = is_still_ready,
		.flow_key = key_of,
		.body_max = max_of_body,
		.body_timeout_us = s->body_timeout_us,
		.handle = handle,
		.refuse = refuse,
		.done = done,
	};
}

#include "app/builtin.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "app/scrape.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/health.h"
#include "web/request.h"
#include "web/service.h"

enum { TEXT_MAX_BYTES = 4 * 1024 * 1024 };

/* The OpenAPI document of the service, written at the first request for it. */
static struct {
	pthread_mutex_t lock;
	const struct service *service;
	char *text; /* once written, it is never freed or changed */
	size_t len;
} document = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool
find_document(const struct service *s, const char **ret_text, size_t *ret_len)
{
	bool found;

	pthread_mutex_lock(&document.lock);
	found = document.service == s;
	if (found) {
		*ret_text = document.text;
		*ret_len = document.len;
	}
	pthread_mutex_unlock(&document.lock);

	return found;
}

static void
keep_document(const struct service *s, const struct buf *b)
{
	pthread_mutex_lock(&document.lock);
	if (document.service == NULL) {
		document.text = malloc(b->len);
		if (document.text != NULL) {
			memcpy(document.text, b->data, b->len);
			document.len = b->len;
			document.service = s;
		}
	}
	pthread_mutex_unlock(&document.lock);
}

static void
answer_openapi(const struct service *s, struct req *r)
{
	const char *text;
	struct buf b;
	size_t len;

	if (!find_document(s, &text, &len)) {
		buf_init(&b, r->arena, TEXT_MAX_BYTES);
		service_openapi(s, &b);
		keep_document(s, &b);
		text = b.data;
		len = b.len;
	}
	req_add_header(r, "Cache-Control", "no-cache");
	req_answer(r, 200, "application/json", text, len);
}

static void
answer_metrics(const struct service *s, struct req *r)
{
	struct buf b;

	buf_init(&b, r->arena, TEXT_MAX_BYTES);
	scrape_write(s, &b);
	req_answer(
	    r, 200, "text/plain; version=0.0.4; charset=utf-8", b.data, b.len);
}

static void
answer_live(UNUSED const struct service *s, struct req *r)
{
	static const char body[] = "{\"status\":\"ok\"}";

	req_answer(r, 200, "application/json", body, sizeof(body) - 1);
}

/*
 * Writes the state of the service's pools on this host.  Returns false when a
 * pool with a socket has no working process.  The job pool, which has no
 * socket, does not count: a job that crashes its process must not make the
 * service appear unavailable.
 */
static bool
put_pools(struct buf *b)
{
	struct health_pool pools[METRICS_POOLS_MAX];
	int n = health_pools(clock_monotonic_us(), pools);
	bool ready = true;

	for (int i = 0; i < n; i++) {
		buf_printf(b, "%s\"%s\":\"%s\"", i == 0 ? ",\"pools\":{" : ",",
		    pools[i].name, pools[i].ok ? "ok" : "away");
		ready &= pools[i].ok || !pools[i].serves;
	}
	if (n > 0)
		buf_putc(b, '}');
	return ready;
}

static void
answer_ready(const struct service *s, struct req *r)
{
	bool draining = health_is_draining(), ready = !draining;
	struct buf members, pools, b;

	buf_init(&members, r->arena, TEXT_MAX_BYTES);
	buf_init(&pools, r->arena, TEXT_MAX_BYTES);
	buf_init(&b, r->arena, TEXT_MAX_BYTES);
	if (s->hooks.ready != NULL)
		ready &= s->hooks.ready(s->app, &members);
	ready &= put_pools(&pools);
	buf_printf(&b, "{\"status\":\"%s\"%s%s%s}",
	    draining ? "draining" : (ready ? "ok" : "away"),
	    members.len > 0 ? "," : "", members.data,
	    pools.len > 0 ? pools.data : "");
	req_answer(r, ready ? 200 : 503, "application/json", b.data, b.len);
}

const struct builtin service_builtins[] = {
	{ "/openapi.json", .below_prefix = true, .answer = answer_openapi },
	/*
	 * Nonblocking, so that it is answered even when all threads wait for a
	 * database that does not answer.
	 */
	{ "/metrics", .answer = answer_metrics, .nonblocking = true },
	{ "/health/live", .answer = answer_live, .nonblocking = true },
	{ "/health/ready", .answer = answer_ready },
	{ 0 },
};

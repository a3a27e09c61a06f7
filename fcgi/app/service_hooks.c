#include "app/service_hooks.h"

#include "app/auth_client.h"
#include "app/log_events.h"
#include "app/provision.h"
#include "app/service_config.h"
#include "app/service_process.h"
#include "app/service_program.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/jws.h"
#include "cache/cache.h"
#include "cache/rate_limit.h"
#include "db/db.h"
#include "http_client/http_client.h"
#include "web/identity.h"
#include "web/request.h"
#include "web/route.h"

enum { RATE_PERIOD_MS = 10000 };

bool
service_ready(void *app, struct buf *members)
{
	struct service_process *process = app;
	bool ready = true;

	if (process->db != NULL) {
		ready = db_ready(process->db);
		buf_printf(
		    members, "\"database\":\"%s\"", ready ? "ok" : "away");
	}
	if (process->cache != NULL)
		buf_printf(members, "%s\"redis\":\"%s\"",
		    process->db != NULL ? "," : "",
		    cache_ready(process->cache) ? "ok" : "away");
	return ready;
}

/* -- limits -- */

static void
note_wait(struct req *r, int64_t retry_ms)
{
	r->retry_after_s = (retry_ms + 999) / 1000;
}

static enum err
limit_reads(struct req *r)
{
	const struct service_process *process = r->app;
	int64_t rate = process->config->read_rate, retry_ms = 0;
	enum err e;

	if (rate == 0 || (r->route != NULL && r->route->nonblocking))
		return ERR_OK;
	e = rate_limit_take_here(process->limit,
	    arena_printf(r->arena, "read:%s", r->identity->user_id), rate,
	    RATE_PERIOD_MS, &retry_ms);
	note_wait(r, retry_ms);
	return e;
}

enum err
service_charge(struct req *r, const char *what, int64_t cost, int64_t rate,
    int64_t period_ms)
{
	const struct service_process *process = r->app;
	int64_t retry_ms = 0;
	enum err e;

	if (rate == 0 || cost == 0)
		return ERR_OK;
	e = rate_limit_charge(process->limit,
	    arena_printf(r->arena, "%s:%s", what, r->identity->user_id), cost,
	    rate, period_ms, &retry_ms);
	note_wait(r, retry_ms);
	return e;
}

enum err
service_limit_requests(struct req *r)
{
	const struct service_process *process = r->app;

	if (r->identity == NULL)
		return ERR_OK;
	if (req_is_safe(r))
		return limit_reads(r);
	return service_charge(r, "write", /* cost= */ 1,
	    process->config->write_rate, RATE_PERIOD_MS);
}

/* -- first contact -- */

enum err
service_ensure_record(struct req *r)
{
	struct service_process *process = r->app;

	if (r->identity == NULL || (r->route->flags & ROUTE_NO_RECORD) != 0 ||
	    process->program->create_record == NULL)
		return ERR_OK;
	return provision_ensure(process->provision, r);
}

/* -- is the assertion still valid? -- */

/* Reads auth's response: 200 with a new assertion, or 401, or 403. */
static enum err
read_answer(struct req *r, const struct http_client_response *response,
    const struct identity **ret_who)
{
	const struct service_process *process = r->app;

	switch (response->status) {
	case 200:
		*ret_who = identity_verify(r->arena, &process->identity_keys,
		    process->program->name, response->body,
		    clock_now_ms() / 1000);
		if (*ret_who != NULL)
			return ERR_OK;
		break;
	case 401:
		return ERR_UNAUTHENTICATED;
	case 403:
		return ERR_FORBIDDEN;
	default:
		break;
	}
	log_event(LOG_WARN, EVENT_REVERIFY_FAILED,
	    LOG_NUM("status", response->status));
	return ERR_UNAVAILABLE;
}

enum err
service_reverify(
    struct req *r, const char *assertion, const struct identity **ret_who)
{
	const struct service_process *process = r->app;
	struct http_client_response response;
	enum err e;

	e = auth_client_call(&process->auth, r,
	    &(struct auth_call){
		.method = "GET",
		.path = "reverify",
		.user_id = r->identity->user_id,
		.header =
		    arena_printf(r->arena, "Kedge-Assertion: %s", assertion),
		.timeout_ms = SERVICE_REVERIFY_TIMEOUT_MS,
		.max_bytes = JWS_TOKEN_MAX,
	    },
	    &response);
	/*
	 * The user's id is too long for a token, so auth issues no assertion
	 * for it.
	 */
	if (e == ERR_NOT_FOUND)
		return ERR_UNAUTHENTICATED;
	if (e != ERR_OK)
		return ERR_UNAVAILABLE; /* auth_client_call() has logged it */
	return read_answer(r, &response, ret_who);
}

#include "app/service_limit.h"

#include "app/service_config.h"
#include "app/service_process.h"
#include "base/arena.h"
#include "cache/rate_limit.h"
#include "web/request.h"
#include "web/service.h"

enum { RATE_PERIOD_MS = 10000 };

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

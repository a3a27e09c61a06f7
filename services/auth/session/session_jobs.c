#include "auth/session/session_jobs.h"

#include "auth/session/session_store.h"
#include "base/arena.h"

/*
 * Nobody can use an expired session, so there is no hurry: the day is for a
 * clock that was wrong for a while.  Each turn is a transaction of its own.
 */
enum { KEPT_S = 86400, SWEEP_AT_ONCE = 1000, SWEEP_LIMIT_S = 3600 };

static enum err
sweep(struct job *job, struct db *db, const void *payload UNUSED)
{
	int64_t deleted = 0, n;
	enum err e;

	do {
		e = session_delete_long_expired(
		    db, job->arena, KEPT_S, SWEEP_AT_ONCE, &n);
		if (e == ERR_OK)
			deleted += n;
	} while (e == ERR_OK && n == SWEEP_AT_ONCE);
	job_set_result(job, arena_printf(job->arena, "{\"sessions\":%lld}",
				(long long)deleted));
	return e;
}

/* clang-format off */
const struct job_kind session_jobs[] = {
	{ .name = "session.sweep", .handle = sweep, .external = true,
	  .time_limit_s = SWEEP_LIMIT_S, .max_attempts = 3 },
	{ 0 },
};

const struct job_schedule session_schedules[] = {
	{ "session.sweep", "47 3 * * *", .kind = "session.sweep" },
	{ 0 },
};
/* clang-format on */

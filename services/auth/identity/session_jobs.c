#include "auth/identity/session_jobs.h"

#include <stdio.h>

#include "auth/identity/session_store.h"
#include "base/arena.h"

/*
 * Nobody can use an expired session, so there is no hurry: the day is for a
 * clock that was wrong for a while.
 */
enum { KEPT_S = 86400, SWEEP_LIMIT_S = 3600, RESULT_SIZE = 64 };

/* Each turn is a transaction of its own. */
static enum err
sweep_sessions(struct job *job, struct db *db, const void *payload UNUSED)
{
	/* The turn before has the id that the next one begins with. */
	struct arena *turns[2] = { arena_new(), arena_new() };
	struct session_sweep s = { .last_id = "" };
	char result[RESULT_SIZE];
	int turn = 0;
	enum err e;

	do {
		turn = 1 - turn;
		arena_reset(turns[turn]);
		e = session_sweep(db, turns[turn], KEPT_S, &s);
		snprintf(result, sizeof(result), "{\"sessions\":%lld}",
		    (long long)s.deleted);
	} while (e == ERR_OK && s.last_id != NULL &&
		 job_report_progress(job, result));
	arena_free(turns[0]);
	arena_free(turns[1]);
	if (e != ERR_OK)
		return e;
	job_set_result(job, result);
	return s.last_id == NULL
	           ? ERR_OK
	           : job_fail(job, ERR_CONFLICT, "it was told to stop");
}

/* clang-format off */
const struct job_kind session_jobs[] = {
	{ .name = "session.sweep", .handle = sweep_sessions, .external = true,
	  .time_limit_s = SWEEP_LIMIT_S, .max_attempts = 3 },
	{ 0 },
};

const struct job_schedule session_schedules[] = {
	{ "session.sweep", "47 3 * * *", .kind = "session.sweep",
	  .single = true },
	{ 0 },
};
/* clang-format on */

#include "core/task/task_jobs.h"

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "core/core.h"
#include "core/task/task_store.h"

/* Of one statement, so that no lock and no snapshot lasts long. */
enum { FORGET_AT_ONCE = 5000 };

static enum err
forget_keys(struct job *job, struct db *db, const void *payload UNUSED)
{
	const struct service_process *core = job->app;
	const struct core_config *config =
	    (const struct core_config *)core->config;
	int64_t count, total = 0;
	enum err e;

	do {
		e = task_forget_keys(db, job->arena, config->idempotency_hours,
		    FORGET_AT_ONCE, &count);
		if (e != ERR_OK)
			return e;
		total += count;
	} while (count == FORGET_AT_ONCE);
	job_set_result(
	    job, arena_printf(job->arena, "{\"keys\":%lld}", (long long)total));
	return ERR_OK;
}

/* clang-format off */
const struct job_kind task_jobs[] = {
	{ .name = "task.forget-keys", .handle = forget_keys, .external = true },
	{ 0 },
};

const struct job_schedule task_schedules[] = {
	{ "task.forget-keys", "23 * * * *", .kind = "task.forget-keys" },
	{ 0 },
};
/* clang-format on */

#include "core/task/task_jobs.h"

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "core/core.h"
#include "core/task/task_store.h"

/*
 * The most keys that one statement deletes, so that it holds no lock and no
 * snapshot for long.
 */
enum { FORGET_AT_ONCE = 5000 };

static enum err
forget_keys(struct job *job, struct db *db, const void *payload UNUSED)
{
	const struct service_process *core = job->app;
	const struct core_config *config =
	    (const struct core_config *)core->config;
	struct arena *scratch = arena_new(); /* memory of one statement */
	int64_t count = 0, total = 0;
	enum err e;

	do {
		arena_reset(scratch);
		e = task_forget_keys(db, scratch, config->idempotency_hours,
		    FORGET_AT_ONCE, &count);
		total += e == ERR_OK ? count : 0;
	} while (e == ERR_OK && count == FORGET_AT_ONCE);
	arena_free(scratch);
	if (e != ERR_OK)
		return e;
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
	{ "task.forget-keys", "23 * * * *", .kind = "task.forget-keys",
	  .single = true },
	{ 0 },
};
/* clang-format on */

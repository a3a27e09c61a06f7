#include "core/task/task_jobs.h"

#include <stdint.h>

#include "base/attr.h"
#include "core/core.h"
#include "core/task/task_store.h"
#include "job/job_slices.h"

static enum err
forget_some_keys(const struct job *job, struct db *db, struct arena *a,
    int64_t max_rows, int64_t *ret_count)
{
	const struct service_process *core = job->app;
	const struct core_config *config =
	    (const struct core_config *)core->config;

	return task_forget_keys(
	    db, a, config->idempotency_hours, max_rows, ret_count);
}

static enum err
forget_keys(struct job *job, struct db *db, const void *payload UNUSED)
{
	return job_slices_run(job, db, forget_some_keys, "keys");
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

/* core: the profiles of a product's users, and their tasks. */
#include "app/service_main.h"
#include "core/core.h"
#include "core/example/example.h"
#include "core/profile/profile_routes.h"
#include "core/stats/stats_routes.h"
#include "core/task/task_jobs.h"
#include "core/task/task_routes.h"
#include "core/whoami/whoami_routes.h"
#include "job/webhook.h"

/* clang-format off */
static const struct route *const routes[] = {
	whoami_routes,
	profile_routes,
	task_routes,
	stats_routes,
	NULL,
};
/* clang-format on */

static const struct service service = {
	.name = "core",
	.title = "Kedge core",
	.prefix = "/api/core",
	.routes = routes,
	.codes = task_codes,
};

/* clang-format off */
static const struct config_var vars[] = {
	{ CONFIG(struct core_config, tasks_max, "TASKS_MAX"),
	  .fallback = "10000", .min = 1, .max = 10000000, .unit = "tasks",
	  .doc = "The most tasks of one user; a further one gets 422 "
	    "TOO_MANY_TASKS." },
	{ CONFIG(struct core_config, task_bytes_max, "TASK_BYTES_MAX"),
	  .fallback = "33554432", .min = 1024, .max = 1099511627776,
	  .unit = "bytes",
	  .doc = "The total size of titles and notes of all tasks of one user; "
	    "a request beyond that gets 422 TASK_BYTES_EXCEEDED." },
	{ CONFIG(struct core_config, idempotency_hours, "IDEMPOTENCY_HOURS"),
	  .fallback = "24", .min = 1, .max = 8760, .unit = "hours",
	  .doc = "How long an Idempotency-Key is stored." },
	{ CONFIG(struct core_config, idempotency_keys_max,
	    "IDEMPOTENCY_KEYS_MAX"),
	  .fallback = "10000", .min = 1, .max = 1000000, .unit = "keys",
	  .doc = "The most stored Idempotency-Keys of one user; a request with "
	    "a further one gets 429 TOO_MANY_IDEMPOTENCY_KEYS." },
	{ 0 },
};
/* clang-format on */

static const struct job_kind *const kinds[] = {
	example_jobs,
	task_jobs,
	webhook_jobs,
	NULL,
};
static const struct job_set jobs = {
	.kinds = kinds,
	.queues = webhook_queues,
	.schedules = task_schedules,
};

static struct core_config config;

static const struct service_program program = {
	.name = "core",
	.flags = SERVICE_BASE,
	.service = &service,
	.config = &config,
	.vars = vars,
	.create_record = profile_create,
	.jobs = &jobs,
};

int
main(int argc, char **argv)
{
	return service_main(&program, argc, argv);
}

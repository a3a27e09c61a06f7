/* core: what a product knows of its users, and their tasks. */
#include "core/example/example.h"
#include "core/profile/profile_routes.h"
#include "core/stats/stats_routes.h"
#include "core/task/task_routes.h"
#include "core/whoami/whoami_routes.h"
#include "http/service_main.h"
#include "job/job_service.h"
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
};

static const struct job_kind *const kinds[] = {
	example_jobs,
	webhook_jobs,
	NULL,
};
static const struct job_set jobs = { .kinds = kinds, .queues = webhook_queues };

static struct service_config config;

static const struct service_program program = {
	.name = "core",
	.flags = SERVICE_BASE,
	.service = &service,
	.config = &config,
	.create_record = profile_create,
	.job_library = &job_library,
	.jobs = &jobs,
};

int
main(int argc, char **argv)
{
	return service_main(&program, argc, argv);
}

#include "job/job_service.h"

#include "app/service_config.h"
#include "job/job_cli.h"
#include "job/job_metrics.h"
#include "job/job_routes.h"
#include "job/job_set.h"
#include "job/job_worker.h"
#include "job/webhook.h"
#include "job/webhook_routes.h"

static const struct route *const routes[] = {
	job_routes,
	webhook_routes,
	NULL,
};

static bool
configure(const struct service_program *p)
{
	const struct service_config *config = p->config;

	webhook_set_concurrency(config->webhook_concurrency);
	return job_set_check(p->jobs);
}

static void
metrics(void *app, struct buf *b)
{
	job_metrics_write(app, b);
}

static int
work(const struct worker *w, struct service_process *process)
{
	return job_work(w, process, process->program->jobs);
}

const struct job_library job_library = {
	.routes = routes,
	.metrics = metrics,
	.configure = configure,
	.prepare = job_work_prepare,
	.work = work,
	.command = job_cli,
};

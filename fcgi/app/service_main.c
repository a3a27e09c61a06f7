#include "app/service_main.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/audit_routes.h"
#include "app/builtin.h"
#include "app/log_events.h"
#include "app/scrape.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/log_output.h"
#include "base/metrics.h"
#include "base/str.h"
#include "fastcgi/event_loop.h"
#include "http_client/http_client.h"
#include "job/job_cli.h"
#include "job/job_metrics.h"
#include "job/job_routes.h"
#include "job/job_worker.h"
#include "job/webhook_routes.h"
#include "process/log_events.h"
#include "process/master.h"
#include "process/shared.h"
#include "web/poison_request.h"
#include "web/service_application.h"

enum {
	POOLS_MAX = 8,
	ROUTE_LISTS_MAX = 64,
	SOCKET_MODE =
	    0660, /* nginx needs to be a member of the socket's group */
	OPENAPI_MAX_BYTES = 4 << 20,
};

#define JOB_POOL "worker"

/*
 * The route lists of the service and, if the service has jobs, of the library.
 */
struct route_lists {
	const struct route *items[ROUTE_LISTS_MAX];
};

static int
add_lists(struct route_lists *lists, int n, const struct route *const *more)
{
	for (; *more != NULL; more++) {
		assert(n < ROUTE_LISTS_MAX - 1);
		lists->items[n++] = *more;
	}
	return n;
}

static const struct route *const job_lists[] = {
	job_routes,
	webhook_routes,
	audit_routes,
	NULL,
};

static void
write_job_metrics(void *app, struct buf *b)
{
	job_metrics_write(&((struct service_process *)app)->jobs, b);
}

/* Returns the service with its configured prefix and the library's routes. */
static struct service
complete(const struct service_program *p, const struct service *own,
    struct route_lists *lists)
{
	const struct service_config *c = p->config;
	struct service s = *own;
	int n = 0;

	s.prefix = c->prefix;
	s.builtins = service_builtins;
	if (c->session_cookie != NULL)
		s.session_cookie = c->session_cookie;
	if (p->jobs == NULL)
		return s;
	n = add_lists(lists, n, own->routes);
	n = add_lists(lists, n, job_lists);
	lists->items[n] = NULL;
	s.routes = lists->items;
	s.hooks.library_metrics = write_job_metrics;
	return s;
}

/* Adds to the service what only a worker has, and the default hooks. */
static struct service
service_of_worker(const struct service *template,
    struct service_process *process, struct route_lists *lists)
{
	struct service s = complete(process->program, template, lists);
	bool is_base = (process->program->flags & SERVICE_BASE) != 0;

	s.app = process;
	s.body_timeout_us = process->config->body_timeout_ms * 1000;
	if (s.hooks.ready == NULL)
		s.hooks.ready = service_ready;
	s.identity_keys = process->identity_keys;
	if (process->session_cookie != NULL)
		s.session_cookie = process->session_cookie;
	if (!is_base)
		return s;
	s.reverify = service_reverify;
	if (s.hooks.screen == NULL)
		s.hooks.screen = service_limit_requests;
	if (s.hooks.guard == NULL)
		s.hooks.guard = service_ensure_record;
	return s;
}

/* The metrics of each pool that has a socket, numbered before the fork. */
static struct pool_metrics {
	const char *pool;
	struct service_metrics metrics;
} pool_metrics[POOLS_MAX];

static const struct service_metrics *
find_metrics(const char *pool)
{
	for (int i = 0; i < POOLS_MAX && pool_metrics[i].pool != NULL; i++) {
		if (str_eq(pool_metrics[i].pool, pool))
			return &pool_metrics[i].metrics;
	}
	return NULL;
}

static const struct service *
find_service(const struct service_program *p, const char *pool)
{
	if (p->pools == NULL)
		return p->service;
	for (const struct service_pool *i = p->pools; i->name != NULL; i++) {
		if (str_eq(i->name, pool))
			return i->service;
	}
	assert(false); /* the master starts workers for these pools only */
	return NULL;
}

static int
serve(const struct worker *w, struct service_process *process)
{
	const struct service_program *p = process->program;
	struct route_lists lists;
	struct service service =
	    service_of_worker(find_service(p, w->pool), process, &lists);
	struct application application = service_application(&service);
	int status;

	service.metrics = find_metrics(w->pool);
	status = event_loop_work(w, &application);
	scrape_stop();
	return status;
}

static struct service_process *
new_process(const struct service_program *p)
{
	size_t size = p->app_size;
	struct service_process *process;

	if (size < sizeof(*process))
		size = sizeof(*process);
	process = calloc(1, size);
	if (process == NULL)
		abort();
	return process;
}

/* The life of a worker process: creates what it needs, then calls `live`. */
static int
live_as(const struct worker *w, const struct service_program *p,
    int (*live)(const struct worker *w, struct service_process *process))
{
	struct service_process *process = new_process(p);
	int status = 1;

	if (service_process_init(process, p)) {
		process->worker = w;
		if (p->open == NULL || p->open(process)) {
			status = live(w, process);
			if (p->close != NULL)
				p->close(process);
		}
		service_process_release(process);
	}
	free(process);
	return status;
}

static int
work(const struct worker *w, void *ctx)
{
	return live_as(w, ctx, serve);
}

static int
run_jobs(const struct worker *w, struct service_process *process)
{
	return job_work(w, &process->jobs);
}

static int
work_jobs(const struct worker *w, void *ctx)
{
	return live_as(w, ctx, run_jobs);
}

static void
count_pool(const struct service_program *p, const char *pool, int place)
{
	struct route_lists lists;
	struct service s = complete(p, find_service(p, pool), &lists);

	pool_metrics[place].pool = pool;
	service_number_routes(&s, &pool_metrics[place].metrics);
}

/* Numbers the routes of all pools for the metrics. */
static void
count_pools(void *ctx)
{
	const struct service_program *p = ctx;
	int n = 0;

	if (p->pools == NULL)
		count_pool(p, "api", n);
	for (const struct service_pool *i = p->pools;
	     i != NULL && i->name != NULL; i++)
		count_pool(p, i->name, n++);
}

static struct master_pool
master_pool_of(const struct service_program *p, const struct service_pool *pool)
{
	const char *config = p->config;
	struct master_pool m = { .name = pool->name, .work = work };

	memcpy(&m.listen, config + pool->listen, sizeof(m.listen));
	memcpy(&m.processes, config + pool->processes, sizeof(m.processes));
	memcpy(&m.threads, config + pool->threads, sizeof(m.threads));
	return m;
}

/* The pools of the service that have a socket. */
static const struct service_pool *
pools_of(const struct service_program *p)
{
	static const struct service_pool api[] = {
		{ .name = "api",
		    .listen = offsetof(struct service_config, listen),
		    .processes = offsetof(struct service_config, processes),
		    .threads = offsetof(struct service_config, threads) },
		{ 0 },
	};

	return p->pools != NULL ? p->pools : api;
}

/* Whether a master that runs only the pool `only` (NULL: all) runs this one. */
static bool
is_wanted(const char *only, const char *pool)
{
	return only == NULL || str_eq(only, pool);
}

/*
 * Lists the pools that have a socket, then the job pool; returns their number.
 */
static int
fill_pools(const struct service_program *p, const char *only,
    struct master_pool out[POOLS_MAX])
{
	const struct service_config *c = p->config;
	const struct service_pool *pool;
	int n = 0;

	for (pool = pools_of(p); pool->name != NULL; pool++) {
		if (!is_wanted(only, pool->name))
			continue;
		assert(n < POOLS_MAX - 1);
		out[n++] = master_pool_of(p, pool);
	}
	if (p->jobs != NULL && c->jobs.worker_processes > 0 &&
	    is_wanted(only, JOB_POOL))
		out[n++] = (struct master_pool){
			.name = JOB_POOL,
			.processes = c->jobs.worker_processes,
			.threads = 1,
			.work = work_jobs,
		};
	return n;
}

static bool
can_be_counted(const struct master_pool *pools, int npools)
{
	int64_t processes = 0;

	for (int i = 0; i < npools; i++)
		processes += pools[i].processes;
	if (processes <= METRICS_SLOTS_MAX)
		return true;
	log_event(LOG_ERROR, EVENT_TOO_MANY_PROCESSES,
	    LOG_NUM("processes", processes), LOG_NUM("max", METRICS_SLOTS_MAX));
	return false;
}

/*
 * Runs before the fork, so that all workers share the memory of the data that
 * is loaded here.
 */
static bool
prepare(const struct service_program *p)
{
	digest_warm_up();
	poison_request_use(shared_open(
	    "poison_request", POISON_REQUEST_BYTES, /* ret_fresh= */ NULL));
	scrape_prepare();
	if ((p->flags & SERVICE_BASE) != 0 || p->jobs != NULL)
		http_client_init();
	if (p->jobs != NULL)
		job_work_prepare();
	return p->prepare == NULL || p->prepare(p->config);
}

/*
 * Leaves out the metrics of a server that the service does not use: they would
 * look like an outage of that server.
 */
static void
omit_metrics(const struct service_program *p)
{
	const struct service_config *c = p->config;

	if ((p->flags & SERVICE_NO_DATABASE) != 0)
		metrics_omit("db");
	if (c->redis_url == NULL || c->redis_url[0] == '\0') {
		metrics_omit("redis");
		metrics_omit("cache");
	}
	if ((p->flags & SERVICE_MAIL) == 0)
		metrics_omit("mail");
}

/* Opens the log file.  Not called for commands, which log to the terminal. */
static bool
open_log(const struct service_program *p)
{
	const struct service_config *c = p->config;

	if (c->log_file == NULL || *c->log_file == '\0' ||
	    log_output_open(c->log_file))
		return true;
	log_event(LOG_ERROR, EVENT_LOG_FILE_FAILED,
	    LOG_TEXT("path", c->log_file), LOG_TEXT("error", strerror(errno)));
	return false;
}

static int
run(const struct service_program *p, const char *only, char **argv)
{
	const struct service_config *c = p->config;
	struct master_pool pools[POOLS_MAX] = { 0 };
	const struct master m = {
		.service = p->name,
		.pools = pools,
		.npools = fill_pools(p, only, pools),
		.drain_timeout_ms = c->drain_timeout_ms,
		.socket_mode = SOCKET_MODE,
		.prepare = count_pools,
		.ctx = (void *)p,
	};

	if (p->metrics != NULL)
		metrics_declare(p->metrics);
	if (m.npools == 0) {
		log_event(LOG_ERROR, EVENT_NO_PROCESSES);
		return 1;
	}
	if (!can_be_counted(pools, m.npools) || !open_log(p) || !prepare(p))
		return 1;
	omit_metrics(p);
	return master_run(&m, argv);
}

/*
 * Checks the configuration as a restart of the master would, for the same
 * pools.
 */
static int
check(const struct service_program *p, const char *only)
{
	struct master_pool pools[POOLS_MAX] = { 0 };
	int n = fill_pools(p, only, pools);

	return can_be_counted(pools, n) && open_log(p) ? 0 : 1;
}

static int
run_job_command(const struct service_program *p, int argc, char **argv)
{
	struct service_process *process = new_process(p);
	int status = 1;

	if (service_process_init(process, p)) {
		status = job_cli(&process->jobs, argc, argv);
		service_process_release(process);
	}
	free(process);
	return status;
}

static int
print_openapi(const struct service_program *p)
{
	struct arena *a;
	struct route_lists lists;
	struct service service;
	struct buf b;
	bool good;

	if (!service_configure_openapi(p))
		return 1;
	a = arena_new();
	service = complete(p, p->service, &lists);
	buf_init(&b, a, OPENAPI_MAX_BYTES);
	service_openapi(&service, &b);
	good = !buf_failed(&b) && puts(b.data) != EOF && fflush(stdout) == 0;
	arena_free(a);
	return good ? 0 : 1;
}

static int
print_config(const struct service_program *p)
{
	config_print(stdout, service_config_prefix(p), service_config_rows(p));
	return fflush(stdout) == 0 ? 0 : 1;
}

static int
usage(const struct service_program *p)
{
	const struct service_pool *pool;
	bool has_jobs = p->jobs != NULL;

	fprintf(stderr, "usage: %s [[--check] [", p->name);
	for (pool = pools_of(p); pool->name != NULL; pool++)
		fprintf(stderr, "%s--%s", pool == pools_of(p) ? "" : " | ",
		    pool->name);
	fprintf(stderr, "%s] | --openapi | --config%s]\n",
	    has_jobs ? " | --" JOB_POOL : "", has_jobs ? " | jobs ..." : "");
	return 2;
}

/*
 * Finds the pool that the argument --POOL names. *ret_only is NULL for the
 * argument "", which means all pools. False: there is no such pool.
 */
static bool
find_role(
    const struct service_program *p, const char *role, const char **ret_only)
{
	const struct service_pool *pool;

	*ret_only = NULL;
	if (*role == '\0')
		return true;
	if (!str_has_prefix(role, "--"))
		return false;
	role += strlen("--");
	for (pool = pools_of(p); pool->name != NULL; pool++)
		if (str_eq(pool->name, role))
			*ret_only = pool->name;
	if (p->jobs != NULL && str_eq(role, JOB_POOL))
		*ret_only = JOB_POOL;
	return *ret_only != NULL;
}

int
service_main(const struct service_program *p, int argc, char **argv)
{
	const char *flag = argc > 1 ? argv[1] : "";
	bool has_jobs = p->jobs != NULL;
	bool checks = str_eq(flag, "--check");
	const char *role = checks ? (argc > 2 ? argv[2] : "") : flag;
	const char *only;

	assert(!has_jobs || (p->flags & SERVICE_NO_DATABASE) == 0);
	if (has_jobs && str_eq(flag, "jobs"))
		return service_configure(p)
		           ? run_job_command(p, argc - 1, argv + 1)
		           : 1;
	if (argc > (checks ? 3 : 2))
		return usage(p);
	if (str_eq(flag, "--openapi"))
		return print_openapi(p);
	if (str_eq(flag, "--config"))
		return print_config(p);
	if (!find_role(p, role, &only))
		return usage(p);

	log_output_set_nonblocking();
	if (!service_configure(p))
		return 1;
	return checks ? check(p, only) : run(p, only, argv);
}

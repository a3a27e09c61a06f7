#include "http/service_main.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "http/provision.h"
#include "remote/remote.h"
#include "server/master.h"

enum {
	POOLS_MAX = 8,
	SOCKET_MODE = 0660, /* nginx is of the group */
	OPENAPI_MAX_BYTES = 4 << 20,
};

/* Fills in what only a worker can know, and the hooks that were left out. */
static struct service
service_of_worker(
    const struct service *template, struct service_process *process)
{
	struct service s = *template;
	bool is_base = (process->program->flags & SERVICE_BASE) != 0;

	s.app = process;
	if (s.hooks.ready == NULL)
		s.hooks.ready = service_ready;
	if (!is_base)
		return s;
	s.identity_key = process->identity_key;
	if (s.hooks.screen == NULL)
		s.hooks.screen = service_limit_writes;
	if (s.hooks.guard == NULL)
		s.hooks.guard = provision_guard;
	return s;
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
	assert(false); /* the master knows our pools only */
	return NULL;
}

static int
work(const struct worker *w, void *ctx)
{
	const struct service_program *p = ctx;
	struct service_process *process;
	struct service service;
	size_t size = p->app_size;
	int status = 1;

	if (size < sizeof(*process))
		size = sizeof(*process);
	process = calloc(1, size);
	if (process == NULL)
		abort();
	if (service_process_init(process, p)) {
		process->worker = w;
		if (p->open == NULL || p->open(process)) {
			service = service_of_worker(
			    find_service(p, w->pool), process);
			status = service_work(w, &service);
			if (p->close != NULL)
				p->close(process);
		}
		service_process_release(process);
	}
	free(process);
	return status;
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

/* Returns their number; 0: there are more processes than can be counted. */
static int
fill_pools(const struct service_program *p, struct master_pool out[POOLS_MAX])
{
	static const struct service_pool only[] = {
		{ .name = "api",
		    .listen = offsetof(struct service_config, listen),
		    .processes = offsetof(struct service_config, processes),
		    .threads = offsetof(struct service_config, threads) },
		{ 0 },
	};
	const struct service_pool *pool = p->pools != NULL ? p->pools : only;
	int64_t processes = 0;
	int n = 0;

	for (; pool->name != NULL; pool++) {
		assert(n < POOLS_MAX);
		out[n] = master_pool_of(p, pool);
		processes += out[n++].processes;
	}
	if (processes > METRICS_SLOTS_MAX) {
		log_event(LOG_ERROR, "too many processes in all pools",
		    LOG_NUM("processes", processes),
		    LOG_NUM("at_most", METRICS_SLOTS_MAX));
		return 0;
	}
	return n;
}

static int
run(const struct service_program *p, char **argv)
{
	const struct service_config *c = p->config;
	struct master_pool pools[POOLS_MAX];
	struct master m = {
		.service = p->name,
		.pools = pools,
		.npools = fill_pools(p, pools),
		.drain_timeout_ms = c->drain_timeout_ms,
		.socket_mode = SOCKET_MODE,
		.ctx = (void *)p,
	};

	if (m.npools == 0)
		return 1;
	/* Before the fork: what is loaded once is shared by all workers. */
	digest_warm_up();
	if ((p->flags & SERVICE_BASE) != 0)
		remote_init();
	if (p->prepare != NULL && !p->prepare(p->config))
		return 1;
	return master_run(&m, argv);
}

static int
print_openapi(const struct service_program *p)
{
	struct arena *a = arena_new();
	struct buf b;
	bool good;

	buf_init(&b, a, OPENAPI_MAX_BYTES);
	service_openapi(p->service, &b);
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
	fprintf(
	    stderr, "usage: %s [--check | --openapi | --config]\n", p->name);
	return 2;
}

int
service_main(const struct service_program *p, int argc, char **argv)
{
	struct master_pool pools[POOLS_MAX];
	const char *flag = argc > 1 ? argv[1] : NULL;

	if (argc > 2)
		return usage(p);
	if (str_eq(flag, "--openapi"))
		return print_openapi(p);
	if (str_eq(flag, "--config"))
		return print_config(p);
	if (flag != NULL && !str_eq(flag, "--check"))
		return usage(p);

	if (!service_configure(p))
		return 1;
	if (flag != NULL)
		return fill_pools(p, pools) > 0 ? 0 : 1;
	return run(p, argv);
}

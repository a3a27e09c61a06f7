#include "plan.h"

#include <assert.h>
#include <signal.h>
#include <unistd.h>

#include "base/arena.h"

#include "message.h"
#include "migrate.h"
#include "nginx.h"
#include "postgres.h"
#include "redis.h"
#include "site.h"

struct migration {
	const struct stack *stack;
	const struct spec_service *service;
};

/* The processes that the process of a service waits for. */
struct stores {
	struct process
	    *postgres; /* NULL: no service uses the stack's PostgreSQL */
	struct process *databases; /* NULL: the databases exist already */
	bool no_cluster; /* the PostgreSQL cluster must be made */
};

static struct process *
next(struct plan *p)
{
	assert(p->nprocesses < PLAN_PROCESSES_MAX);
	return &p->processes[p->nprocesses++];
}

static void
need(struct process *c, struct process *needed)
{
	if (needed == NULL)
		return;
	assert(c->nneeds < PROCESS_NEEDS_MAX);
	c->needs[c->nneeds++] = needed;
}

static struct process
step(const char *name, const char *title, int (*task)(void *), void *ctx)
{
	return (struct process){
		.name = name,
		.title = title,
		.once = true,
		.task = task,
		.ctx = ctx,
		.stop_signal = SIGTERM,
		.death_signal = SIGKILL,
		.stop_stage = PROCESS_STOP_SERVICES,
		.stop_timeout_ms = 1000,
	};
}

/* Whether the service uses a database of the stack's own PostgreSQL. */
static bool
has_own_database(const struct stack *s, const struct spec_service *service)
{
	return service->needs_postgres &&
	       !environment_is_given(s, service, "DATABASE_URL");
}

static bool
any_has_own_database(const struct stack *s)
{
	for (int i = 0; i < s->spec.nservices; i++)
		if (has_own_database(s, &s->spec.services[i]))
			return true;
	return false;
}

/*
 * Whether `up` migrates the service's database. It cannot migrate a given one
 * as the service, whose role owns nothing.
 */
static bool
is_migrated(const struct stack *s, const struct spec_service *service)
{
	if (!service->needs_postgres)
		return false;
	if (has_own_database(s, service) ||
	    environment_is_given(s, service, "MIGRATION_URL"))
		return true;
	print_message("the database of %s is not migrated: %s_MIGRATION_URL is "
		      "not set",
	    service->name, service->variable);
	return false;
}

static bool
add_postgres(struct plan *p, const struct stack *s, struct stores *ret)
{
	struct process *cluster = NULL;
	struct postgres postgres;

	*ret = (struct stores){ 0 };
	if (!any_has_own_database(s))
		return true;
	if (!postgres_prepare(s, &postgres))
		return false;
	ret->no_cluster = !postgres.made;
	if (!postgres.made) {
		cluster = next(p);
		postgres_plan_cluster(s, &postgres, cluster);
	}
	ret->postgres = next(p);
	postgres_plan_server(s, &postgres, ret->postgres);
	need(ret->postgres, cluster);
	if (!postgres.made || !database_is_made(&p->databases)) {
		ret->databases = next(p);
		*ret->databases = step("databases", "Making the databases",
		    database_make, &p->databases);
		need(ret->databases, ret->postgres);
	}
	return true;
}

static int
run_migration(void *ctx)
{
	const struct migration *m = ctx;

	return migrate_service(m->stack, m->service) ? 0 : 1;
}

static struct process *
add_migration(struct plan *p, const struct stack *s,
    const struct spec_service *service, const struct stores *stores)
{
	struct arena *a = s->arena;
	struct migration *m = arena_alloc(a, sizeof(*m));
	struct process *c = next(p);

	*m = (struct migration){ s, service };
	*c = step(arena_printf(a, "migrate-%s", service->name),
	    arena_printf(a, "Migrating %s", service->name), run_migration, m);
	if (has_own_database(s, service)) {
		need(c, stores->postgres);
		need(c, stores->databases);
	}
	return c;
}

static bool
plan_service(const struct stack *s, const struct spec_service *service,
    struct process *ret)
{
	struct arena *a = s->arena;
	const char *socket = arena_printf(a, "run/%s.sock", service->name);
	char **argv = arena_alloc(a, 2 * sizeof(*argv));

	argv[0] = arena_printf(a, "%s/%s", s->bin, service->name);
	if (access(argv[0], X_OK) == -1) {
		print_error("%s is not built", argv[0]);
		return false;
	}
	*ret = (struct process){
		.name = service->name,
		.title = service->name,
		.argv = argv,
		.envp = environment_block(s, service),
		.log = arena_printf(a, "log/%s.log", service->name),
		.stale = { socket,
		    service->verify.processes > 0 ? "run/verify.sock" : NULL },
		.probe = { .kind = PROBE_ANSWER,
		    .path = socket,
		    .peer = SITE_STACK_MONITORING,
		    .request = arena_printf(a,
			"GET /health/%s HTTP/1.0\r\nHost: localhost\r\n\r\n",
			service->name),
		    .expect = "HTTP/1.1 200" },
		.socket = socket,
		.stop_signal = SIGTERM,
		.death_signal = SIGTERM,
		.stop_stage = PROCESS_STOP_SERVICES,
		/*
		 * Longer than the drain timeout, after which the master has
		 * killed its workers.
		 */
		.stop_timeout_ms = 22000,
	};
	return ret->envp != NULL;
}

static bool
add_service(struct plan *p, const struct stack *s,
    const struct spec_service *service, const struct stores *stores)
{
	struct process *redis = NULL;
	struct process *migration = NULL;
	struct process *c;

	if (service->needs_redis &&
	    !environment_is_given(s, service, "REDIS_URL")) {
		redis = next(p);
		if (!redis_plan(s, service, redis))
			return false;
	}
	if (is_migrated(s, service))
		migration = add_migration(p, s, service, stores);
	if (!spec_is_own(service))
		return true;
	c = next(p);
	if (!plan_service(s, service, c))
		return false;
	need(c, redis);
	need(c, migration);
	/*
	 * The migration already waits for PostgreSQL, but it runs only once. A
	 * service that is restarted later must wait for PostgreSQL itself.
	 */
	if (has_own_database(s, service))
		need(c, stores->postgres);
	return true;
}

bool
plan_make(struct plan *p, const struct stack *s,
    const struct environment *secrets, int port)
{
	struct stores stores;
	int i;

	*p = (struct plan){ .databases = { s, secrets } };
	if (!add_postgres(p, s, &stores))
		return false;
	if (!nginx_plan(s, port, next(p)))
		return false;
	for (i = 0; i < s->spec.nservices; i++)
		if (!add_service(p, s, &s->spec.services[i], &stores))
			return false;
	/* Print this message only after all programs have been found. */
	if (stores.no_cluster)
		print_message("making a PostgreSQL cluster in %s/pg", s->dir);
	return true;
}

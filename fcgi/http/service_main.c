#include "http/service_main.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "cache/cache.h"
#include "cache/rate_limit.h"
#include "db/db.h"
#include "http/provision.h"
#include "http/request.h"
#include "remote/remote.h"
#include "server/master.h"

enum {
	POOLS_MAX = 8,
	ROWS_MAX = 96,
	PREFIX_SIZE = 32,
	LISTEN_SIZE = 64,
	SOCKET_MODE = 0660, /* nginx is of the group */
	OPENAPI_MAX_BYTES = 4 << 20,
	ACQUIRE_TIMEOUT_MS = 2000,
	REDIS_RETRY_MS = 1000,
	WRITE_RATE_MS = 10000,
};

/* clang-format off */
static const struct config_var shared_vars[] = {
	{ CONFIG(struct service_config, listen, "LISTEN"), .min = 1, .max = 255,
	  .doc = "Socket for nginx: unix:PATH or HOST:PORT. A socket that was "
	    "inherited (systemd, descriptor 0) is used instead." },
	{ CONFIG(struct service_config, processes, "PROCESSES"),
	  .fallback = "1", .min = 1, .max = METRICS_SLOTS_MAX,
	  .unit = "processes", .doc = "Worker processes." },
	{ CONFIG(struct service_config, threads, "THREADS"),
	  .fallback = "16", .min = 1, .max = 512, .unit = "threads",
	  .doc = "Requests that one process serves at once. Idle kept "
	    "connections of nginx occupy one each." },
	{ CONFIG(struct service_config, database_url, "DATABASE_URL"),
	  .flags = CONFIG_REQUIRED | CONFIG_SECRET,
	  .doc = "PostgreSQL, as a libpq connection string or URI." },
	{ CONFIG(struct service_config, database_connections,
	    "DATABASE_CONNECTIONS"),
	  .fallback = "8", .min = 1, .max = 128, .unit = "connections",
	  .doc = "At most, of each process; opened as needed." },
	{ CONFIG(struct service_config, database_timeout_ms,
	    "DATABASE_TIMEOUT_MS"),
	  .fallback = "5000", .min = 100, .max = 600000, .unit = "ms",
	  .doc = "How long one statement may take." },
	{ CONFIG(struct service_config, redis_url, "REDIS_URL"),
	  .fallback = "", .flags = CONFIG_SECRET,
	  .doc = "unix:PATH or redis://[:PASSWORD@]HOST:PORT[/DB]. Empty: "
	    "without Redis; limits are then counted by each process." },
	{ CONFIG(struct service_config, redis_timeout_ms, "REDIS_TIMEOUT_MS"),
	  .fallback = "100", .min = 1, .max = 10000, .unit = "ms",
	  .doc = "How long Redis may take to connect or answer before the "
	    "service goes on without it." },
	{ CONFIG(struct service_config, log_level, "LOG_LEVEL"),
	  .fallback = "info",
	  .doc = "The least that is logged: debug, info, warn or error." },
	{ CONFIG(struct service_config, drain_timeout_ms, "DRAIN_TIMEOUT_MS"),
	  .fallback = "10000", .min = 0, .max = 600000, .unit = "ms",
	  .doc = "How long requests in flight may take after SIGTERM." },
	{ 0 },
};

static const struct config_var base_vars[] = {
	{ CONFIG(struct service_config, identity_key, "IDENTITY_KEY"),
	  .flags = CONFIG_REQUIRED | CONFIG_SECRET,
	  .doc = "The key that auth shares with this service alone: 32 bytes "
	    "in base64url." },
	{ CONFIG(struct service_config, auth_url, "AUTH_URL"),
	  .fallback = "http://auth.internal", .min = 1, .max = 1024,
	  .doc = "Where auth is told of a user's first contact." },
	{ CONFIG(struct service_config, auth_socket, "AUTH_SOCKET"),
	  .fallback = "",
	  .doc = "Unix socket of nginx's internal listener for AUTH_URL. "
	    "Empty: by AUTH_URL's host." },
	{ CONFIG(struct service_config, write_rate, "WRITE_RATE"),
	  .fallback = "120", .min = 0, .max = 1000000,
	  .unit = "requests in 10 s",
	  .doc = "POST, PUT, PATCH and DELETE of one user; 0: no limit." },
	{ 0 },
};
/* clang-format on */

/* The rows of one program, and the texts that are made for them. */
struct rows {
	struct config_var items[ROWS_MAX];
	int count;
	char prefix[PREFIX_SIZE];
	char listen[LISTEN_SIZE];
};

static bool
has_row(const struct config_var *vars, const char *name)
{
	for (; vars != NULL && vars->name != NULL; vars++) {
		if (str_eq(vars->name, name))
			return true;
	}
	return false;
}

static void
add_rows(struct rows *rows, const struct config_var *vars,
    const struct config_var *replacements)
{
	for (; vars != NULL && vars->name != NULL; vars++) {
		if (has_row(replacements, vars->name))
			continue;
		assert(rows->count < ROWS_MAX - 1); /* one ends the list */
		rows->items[rows->count++] = *vars;
	}
}

/*
 * The process has one program, and what its configuration points to stays as
 * long as the process.
 */
static const struct rows *
rows_of(const struct service_program *p)
{
	static struct rows rows;
	int len;

	if (rows.count > 0)
		return &rows;
	for (size_t i = 0; p->name[i] != '\0'; i++) {
		assert(i < PREFIX_SIZE - 1);
		rows.prefix[i] = (char)toupper((unsigned char)p->name[i]);
	}
	len = snprintf(rows.listen, LISTEN_SIZE, "unix:%s.sock", p->name);
	assert(len > 0 && len < LISTEN_SIZE);

	add_rows(&rows, shared_vars, p->vars);
	if (p->flags & SERVICE_BASE)
		add_rows(&rows, base_vars, p->vars);
	add_rows(&rows, p->vars, /* replacements= */ NULL);
	for (int i = 0; i < rows.count; i++) {
		if (str_eq(rows.items[i].name, "LISTEN") &&
		    rows.items[i].fallback == NULL)
			rows.items[i].fallback = rows.listen;
	}
	return &rows;
}

/* The value is left out: it may be a secret. */
static void
log_refused(const char *prefix, const char *name, const char *expected)
{
	char variable[128];
	int len = snprintf(variable, sizeof(variable), "%s_%s", prefix, name);

	assert(len > 0 && (size_t)len < sizeof(variable));
	log_event(LOG_ERROR, "a variable has a value that it cannot take",
	    LOG_TEXT("variable", variable), LOG_TEXT("expected", expected));
}

/* What the rows cannot say. */
static bool
check_config(const struct service_program *p, const char *prefix)
{
	const struct service_config *c = p->config;
	unsigned char key[IDENTITY_KEY_SIZE];
	enum log_level level;
	bool good = true;

	if (log_level_read(c->log_level, &level)) {
		log_init(p->name, level);
	} else {
		log_refused(prefix, "LOG_LEVEL", "debug, info, warn or error");
		good = false;
	}
	if ((p->flags & SERVICE_BASE) != 0 &&
	    !identity_read_key(c->identity_key, key)) {
		log_refused(prefix, "IDENTITY_KEY", "32 bytes in base64url");
		good = false;
	}
	explicit_bzero(key, sizeof(key));
	return good && (p->check == NULL || p->check(p->config));
}

bool
service_configure(const struct service_program *p)
{
	const struct rows *rows = rows_of(p);

	log_init(p->name, LOG_INFO);
	return config_load(rows->prefix, rows->items, p->config) &&
	       check_config(p, rows->prefix);
}

bool
service_process_init(
    struct service_process *process, const struct service_program *p)
{
	const struct service_config *c = p->config;

	*process = (struct service_process){ .program = p, .config = c };
	process->db = db_open(&(struct db_options){
	    .url = c->database_url,
	    .application_name = p->name,
	    .connections = c->database_connections,
	    .acquire_timeout_ms = ACQUIRE_TIMEOUT_MS,
	    .statement_timeout_ms = c->database_timeout_ms,
	});
	if (c->redis_url != NULL && c->redis_url[0] != '\0')
		process->cache = cache_open(&(struct cache_options){
		    .url = c->redis_url,
		    .prefix = p->name,
		    .connections = c->threads,
		    .timeout_ms = c->redis_timeout_ms,
		    .retry_ms = REDIS_RETRY_MS,
		});
	process->limit = rate_limit_new(process->cache);
	if ((p->flags & SERVICE_BASE) == 0)
		return true;

	if (!identity_read_key(c->identity_key, process->identity_key)) {
		service_process_release(process);
		return false;
	}
	process->provision = provision_new(&(struct provision_options){
	    .service = p->name,
	    .identity_key = process->identity_key,
	    .auth_url = c->auth_url,
	    .auth_socket = c->auth_socket,
	    .create = p->create_record,
	});
	return true;
}

void
service_process_release(struct service_process *process)
{
	provision_free(process->provision);
	rate_limit_free(process->limit);
	if (process->cache != NULL)
		cache_close(process->cache);
	db_close(process->db);
	explicit_bzero(process->identity_key, sizeof(process->identity_key));
}

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
	const struct rows *rows = rows_of(p);

	config_print(stdout, rows->prefix, rows->items);
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

bool
service_ready(void *app, struct buf *members)
{
	struct service_process *process = app;
	bool database = db_ready(process->db);

	buf_printf(members, "\"database\":\"%s\"", database ? "ok" : "away");
	if (process->cache != NULL)
		buf_printf(members, ",\"redis\":\"%s\"",
		    cache_ready(process->cache) ? "ok" : "away");
	return database;
}

static bool
is_safe(const char *method)
{
	return str_eq(method, "GET") || str_eq(method, "HEAD") ||
	       str_eq(method, "OPTIONS");
}

enum err
service_limit_writes(struct req *r)
{
	struct service_process *process = r->app;
	int64_t rate = process->config->write_rate, retry_ms = 0;
	enum err e;

	if (rate == 0 || r->identity == NULL || is_safe(r->method))
		return ERR_OK;
	e = rate_limit_take(process->limit,
	    arena_printf(r->arena, "write:%s", r->identity->user_id), rate,
	    WRITE_RATE_MS, &retry_ms);
	if (e == ERR_RATE_LIMITED)
		r->retry_after_s = (retry_ms + 999) / 1000;
	return e;
}

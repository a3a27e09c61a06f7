/*
 * auth: the identity service.
 *
 * Two pools of workers have a socket each: "api" serves BetterAuth's API,
 * "verify" answers nginx's auth_request.  They share a master and the memory in
 * auth_shared.h, and nothing else: a burst of sign-ins cannot delay a verdict.
 * A third pool, "worker", runs jobs.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/service_main.h"
#include "auth/auth.h"
#include "auth/auth_shared.h"
#include "auth/config.h"
#include "auth/http/error.h"
#include "auth/http/gate.h"
#include "auth/identity/additional_fields.h"
#include "auth/identity/user_cli.h"
#include "auth/log_events.h"
#include "auth/mail/auth_mail.h"
#include "auth/mail/auth_mail_job.h"
#include "auth/password/hash_pool.h"
#include "auth/routes.h"
#include "auth/verify/reverify.h"
#include "auth/verify/verify.h"
#include "base/attr.h"
#include "base/log.h"
#include "base/str.h"
#include "db/db.h"
#include "job/webhook.h"
#include "mail/mail.h"
#include "process/master.h"
#include "process/shared.h"
#include "web/service.h"

static struct plugin_set plugins;
static struct auth_config config = { .plugin_set = &plugins };

/*
 * With one message at a time, a mail server that does not answer occupies one
 * worker, not all.
 */
static struct job_queue queues[] = {
	{ WEBHOOK_QUEUE, 1 },
	{ AUTH_MAIL_QUEUE, 1 },
	{ 0 },
};

static bool
check_plugins(const struct auth *auth)
{
	bool good = true;

	for (size_t i = 0; i < plugins.non; i++) {
		const struct auth_hooks *hooks = plugins.on[i]->hooks;
		const char *problem = hooks != NULL && hooks->problem != NULL
		                          ? hooks->problem(auth)
		                          : NULL;

		if (problem == NULL)
			continue;
		log_event(LOG_ERROR, EVENT_PLUGIN_SETTINGS_INVALID,
		    LOG_TEXT("plugin", plugins.on[i]->name),
		    LOG_TEXT("problem", problem));
		good = false;
	}
	return good;
}

static bool
check(UNUSED const void *arg)
{
	struct auth auth = { 0 };
	bool ok = auth_init(&auth, &config) && check_plugins(&auth) &&
	          auth_mail_check(&config.base.mail, &plugins);

	auth_release(&auth);
	queues[0] = webhook_queues[0];
	return ok && additional_fields_check(
			 config_fields(&plugins), config.base.database_url);
}

static bool
prepare(UNUSED void *arg)
{
	bool fresh;

	if (!mail_is_on(&config.base.mail))
		log_event(LOG_INFO, EVENT_MAIL_OFF);
	config.shared = shared_open("auth", sizeof(*config.shared), &fresh);
	if (fresh) {
		lease_init(&config.shared->lease);
		hash_slots_init(&config.shared->slots);
	}
	return true;
}

static int
hash_concurrency(void)
{
	int64_t n = config.hash_concurrency;

	if (n == 0)
		n = sysconf(_SC_NPROCESSORS_ONLN);
	if (n < 1)
		n = 1;
	return n > HASH_SLOTS_MAX ? HASH_SLOTS_MAX : (int)n;
}

/*
 * Each waiting hash occupies a request's thread.  Some threads must stay free;
 * otherwise nobody could read their session while others sign in.
 */
static int
hash_waiting_max(void)
{
	int64_t reserve = config.base.threads / 4;
	int64_t n = config.hash_queue + hash_concurrency();

	if (reserve < 4)
		reserve = 4;
	if (n > config.base.threads - reserve)
		n = config.base.threads - reserve;
	return (int)n;
}

/* A verdict that takes longer is useless: nginx waits three seconds. */
enum { VERDICT_ACQUIRE_MS = 250, VERDICT_STATEMENT_MS = 1500 };

static struct db *
open_verdict_database(void)
{
	int64_t connections = config.verify_threads;

	if (connections > config.base.database_connections)
		connections = config.base.database_connections;
	return db_open(&(struct db_options){
	    .url = config.base.database_url,
	    .application_name = "auth verify",
	    .connections = connections,
	    .acquire_timeout_ms = VERDICT_ACQUIRE_MS,
	    .statement_timeout_ms = VERDICT_STATEMENT_MS,
	    .slow_ms = config.base.database_slow_ms,
	});
}

/* Without mail, messages that wait fail until it is on again. */
static bool
open_mailer(struct auth *auth)
{
	char problem[MAIL_PROBLEM_SIZE] = "";

	if (!mail_is_on(&config.base.mail))
		return true;
	auth->mailer = mailer_new(&config.base.mail, problem);
	if (auth->mailer == NULL)
		log_event(LOG_ERROR, EVENT_MAIL_TEMPLATES_INVALID,
		    LOG_TEXT("problem", problem));
	return auth->mailer != NULL;
}

static bool
open_worker(void *arg)
{
	struct auth *auth = arg;
	const char *pool = auth->process.worker->pool;
	bool verdicts = str_eq(pool, "verify");
	struct identity_keys self_keys;

	if (!auth_init(auth, &config))
		return false;
	self_keys = audience_keys(&auth->self);
	auth->shared = config.shared;
	service_process_set_keys(&auth->process, &self_keys);
	auth->process.session_cookie = auth->session_cookie;
	epoch_take_over(&auth->shared->epoch, auth->process.worker->slot);
	if (str_eq(pool, "worker"))
		return open_mailer(auth);
	if (verdicts)
		service_process_set_db(&auth->process, open_verdict_database());
	auth->ticker = session_ticker_start(&(struct session_ticker_options){
	    .turns = &auth->shared->turns,
	    .epoch = &auth->shared->epoch,
	    .lease = &auth->shared->lease,
	    .db = auth->process.db,
	    .lease_ms = config.cache_lease_s * 1000,
	});
	if (auth->ticker == NULL)
		return false;
	if (verdicts)
		return true;
	auth->hashes = hash_pool_new(&(struct hash_pool_options){
	    .slots = &auth->shared->slots,
	    .concurrency = hash_concurrency(),
	    .waiting_max = hash_waiting_max(),
	});
	return auth->hashes != NULL;
}

static void
close_worker(void *arg)
{
	struct auth *auth = arg;

	mailer_free(auth->mailer);
	hash_pool_free(auth->hashes);
	session_ticker_stop(auth->ticker);
	auth_release(auth);
}

static const struct service api = {
	.name = "auth",
	.title = "Kedge auth",
	.prefix = auth_prefix,
	.routes = plugins.routes,
	.session_flags = AUTH_SESSION,
	.session_cookie = "better-auth.session_token",
	.ignores_unknown = true,
	.reverify = reverify_own,
	.hooks = {
	    .before = gate_before,
	    .screen = gate_screen,
	    .guard = gate_guard,
	    .write_error = error_answer,
	},
};

static const struct service verify = {
	.name = "auth",
	.title = "Kedge auth verify",
	.prefix = auth_prefix,
	.routes = plugins.routes,
	.handle_all = verify_request,
	.handle_all_route = "verdict",
	.prefetch = verify_prefetch,
	.is_still_ready = verify_is_still_ready,
	.hooks = { .write_error = verify_write_error },
};

static const struct service_pool pools[] = {
	{ .name = "api",
	    .listen = offsetof(struct auth_config, base.listen),
	    .processes = offsetof(struct auth_config, base.processes),
	    .threads = offsetof(struct auth_config, base.threads),
	    .service = &api },
	{ .name = "verify",
	    .listen = offsetof(struct auth_config, verify_listen),
	    .processes = offsetof(struct auth_config, verify_processes),
	    .threads = offsetof(struct auth_config, verify_threads),
	    .service = &verify },
	{ 0 },
};

/* The library's webhooks are a kind of job that belongs to no plugin. */
static const struct job_kind *kinds[PLUGINS_MAX + 2] = { webhook_jobs };
static const struct job_set jobs = {
	.kinds = kinds,
	.queues = queues,
	.schedules = plugins.schedules,
};

static const struct service_program program = {
	.name = "auth",
	.flags = SERVICE_MAIL,
	.service = &api,
	.pools = pools,
	.config = &config,
	.vars = plugins.vars,
	.check = check,
	.prepare = prepare,
	.metrics = &hash_pool_metrics,
	.app_size = sizeof(struct auth),
	.open = open_worker,
	.close = close_worker,
	.jobs = &jobs,
};

/* A command has no workers: its epoch is its own, and 0 until it is read. */
static int
run_user_command(int argc, char **argv)
{
	struct auth_shared *shared = calloc(1, sizeof(*shared));
	struct auth auth = { .shared = shared };
	int status = 1;

	if (shared == NULL)
		abort();
	if (service_configure(&program) &&
	    service_process_init(&auth.process, &program)) {
		if (auth_init(&auth, &config))
			status = user_cli(&auth, argc, argv);
		auth_release(&auth);
		service_process_release(&auth.process);
	}
	free(shared);
	return status;
}

/*
 * Runs before everything else, because plugins add variables that are read and
 * printed, and routes for --openapi.
 */
static bool
compose(void)
{
	if (!config_compose(&plugins, getenv("AUTH_PLUGINS"),
		getenv("AUTH_ADDITIONAL_FIELDS")))
		return false;
	for (size_t i = 0; plugins.jobs[i] != NULL; i++)
		kinds[i + 1] = plugins.jobs[i];
	return true;
}

int
main(int argc, char **argv)
{
	log_init("auth", LOG_INFO);
	if (!compose())
		return 1;
	if (argc > 1 && str_eq(argv[1], "user"))
		return run_user_command(argc - 1, argv + 1);
	return service_main(&program, argc, argv);
}

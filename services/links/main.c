/* links: short links, with statistics of how often they are followed. */
#include <stddef.h>
#include <string.h>

#include "app/service_main.h"
#include "base/attr.h"
#include "base/log.h"
#include "base/log_events.h"
#include "base/str.h"
#include "job/webhook.h"
#include "links/batch/batch_routes.h"
#include "links/click/click_jobs.h"
#include "links/click/click_routes.h"
#include "links/click/click_table.h"
#include "links/click/click_ticker.h"
#include "links/link/link_jobs.h"
#include "links/link/link_routes.h"
#include "links/link/link_view.h"
#include "links/links.h"
#include "links/password/link_password.h"
#include "links/qr/qr_routes.h"
#include "links/redirect/epoch.h"
#include "links/redirect/redirect_routes.h"
#include "process/master.h"
#include "process/shared.h"

/* clang-format off */
static const struct route *const routes[] = {
	redirect_routes,
	batch_routes, /* before /links/{id} */
	link_routes,
	click_routes,
	qr_routes,
	NULL,
};
/* clang-format on */

static const struct service service = {
	.name = "links",
	.title = "Kedge links",
	.prefix = "/api/links",
	.routes = routes,
	.prefetch = redirect_prefetch,
	.codes = link_codes,
};

/* clang-format off */
static const struct config_var vars[] = {
	{ CONFIG(struct links_config, url, "URL"),
	  .fallback = "", .max = 256,
	  .doc = "The beginning of short addresses, https://go.example.com, "
	    "without a slash at the end. Empty: scheme, host and port of the "
	    "request that asks for them." },
	{ CONFIG(struct links_config, blocked_hosts, "BLOCKED_HOSTS"),
	  .fallback = "", .max = 65536,
	  .doc = "Hosts to which no link may lead, separated by commas; their "
	    "subdomains are included. Existing links are not changed." },
	{ CONFIG(struct links_config, links_max, "LINKS_MAX"),
	  .fallback = "10000", .min = 1, .max = 10000000, .unit = "links",
	  .doc = "The most links of one user; a further one gets 422 "
	    "TOO_MANY_LINKS. Slugs of deleted links count, too, as soon as "
	    "there are as many again." },
	{ CONFIG(struct links_config, create_rate, "CREATE_RATE"),
	  .fallback = "2000", .min = 0, .max = 1000000,
	  .unit = "links in an hour",
	  .doc = "Rate limit for the links that one user creates; 0: no "
	    "limit." },
	{ CONFIG(struct links_config, lookup_rate, "LOOKUP_RATE"),
	  .fallback = "1000", .min = 0, .max = 1000000,
	  .unit = "look-ups in 10 s",
	  .doc = "Rate limit for requests of one network (IPv4 /24, IPv6 /48) "
	    "for slugs that are not in Redis, counted in each process; 0: no "
	    "limit." },
	{ CONFIG(struct links_config, slug_keep_days, "SLUG_KEEP_DAYS"),
	  .fallback = "365", .min = 0, .max = 36500, .unit = "days",
	  .doc = "How long the slug of a deleted link stays with its user, so "
	    "that nobody else can use it." },
	{ CONFIG(struct links_config, click_keep_days, "CLICK_KEEP_DAYS"),
	  .fallback = "730", .min = 1, .max = 36500, .unit = "days",
	  .doc = "Retention of the clicks of a day. The total of a link is "
	    "kept as long as the link." },
	{ CONFIG(struct links_config, idempotency_hours, "IDEMPOTENCY_HOURS"),
	  .fallback = "24", .min = 1, .max = 8760, .unit = "hours",
	  .doc = "How long an Idempotency-Key is stored." },
	{ CONFIG(struct links_config, idempotency_keys_max,
	    "IDEMPOTENCY_KEYS_MAX"),
	  .fallback = "10000", .min = 1, .max = 1000000, .unit = "keys",
	  .doc = "The most stored Idempotency-Keys of one user; a request with "
	    "a further one gets 429 TOO_MANY_IDEMPOTENCY_KEYS." },
	{ CONFIG(struct links_config, cache_lease_ms, "CACHE_LEASE_MS"),
	  .fallback = "2000", .min = 500, .max = 60000, .unit = "ms",
	  .doc = "How long a host uses links from Redis without PostgreSQL. "
	    "While Redis is unavailable, the change of a link takes this "
	    "long. The same on all hosts." },
	{ CONFIG(struct links_config, hash_concurrency, "HASH_CONCURRENCY"),
	  .fallback = "1", .min = 1, .max = 16, .unit = "hashes",
	  .doc = "The most passwords of links that one process hashes at once; "
	    "each takes 16 MiB." },
	{ 0 },
};
/* clang-format on */

static const struct job_kind *const kinds[] = {
	click_jobs,
	link_jobs,
	webhook_jobs,
	NULL,
};
static const struct job_set jobs = {
	.kinds = kinds,
	.queues = webhook_queues,
	.schedules = link_schedules,
};

static struct links_config config;

/* Whether the text is a scheme and a host, and perhaps a port. */
static bool
is_origin(const char *url)
{
	const char *host = NULL;

	if (str_has_prefix(url, "https://"))
		host = url + strlen("https://");
	else if (str_has_prefix(url, "http://"))
		host = url + strlen("http://");
	return host != NULL && *host != '\0' &&
	       strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") ==
	           strlen(host);
}

static bool
check(const void *arg UNUSED)
{
	if (config.url[0] == '\0' || is_origin(config.url))
		return true;
	log_event(LOG_ERROR, EVENT_ENVIRONMENT_VARIABLE_INVALID,
	    LOG_TEXT("variable", "LINKS_URL"),
	    LOG_TEXT("expected",
		"https://HOST[:PORT] in small letters, without a slash at the "
		"end"));
	return false;
}

static bool
prepare(void *arg UNUSED)
{
	config.epoch =
	    shared_open("links", sizeof(*config.epoch), /* ret_fresh= */ NULL);
	return true;
}

/* A quarter of the threads may wait for hashes. */
static bool
open_worker(void *arg)
{
	struct links *links = arg;

	links->epoch = config.epoch;
	if (str_eq(links->process.worker->pool, "worker"))
		return true;
	links->clicks = click_table_new();
	links->hashes = hash_slots_new(
	    config.hash_concurrency, (config.base.threads + 3) / 4);
	links->ticker = click_ticker_start(links);
	return links->ticker != NULL;
}

static void
close_worker(void *arg)
{
	struct links *links = arg;

	click_ticker_stop(links->ticker);
	hash_slots_free(links->hashes);
	click_table_free(links->clicks);
}

static const struct service_program program = {
	.name = "links",
	.flags = SERVICE_BASE,
	.service = &service,
	.config = &config,
	.vars = vars,
	.check = check,
	.prepare = prepare,
	.metrics = &link_password_metrics,
	.app_size = sizeof(struct links),
	.open = open_worker,
	.close = close_worker,
	.create_record = link_owner_create,
	.jobs = &jobs,
};

int
main(int argc, char **argv)
{
	return service_main(&program, argc, argv);
}

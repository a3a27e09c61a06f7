#include "base/metrics_table.h"

#include <assert.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/fnv.h"
#include "base/metrics_area.h"

/* clang-format off */
static const struct metrics_name counters[METRIC__MAX] = {
	[METRIC_WORKER_STARTS] = { "kedge_worker_starts_total", NULL,
	    "Worker processes started." },
	[METRIC_WORKER_DEATHS] = { "kedge_worker_deaths_total", NULL,
	    "Worker processes that ended without being told to." },
	[METRIC_DB_QUERIES] = { "kedge_db_queries_total", NULL,
	    "Statements sent to PostgreSQL." },
	[METRIC_DB_ERRORS] = { "kedge_db_errors_total", NULL,
	    "Statements that PostgreSQL refused or that broke off." },
	[METRIC_DB_RECONNECTS] = { "kedge_db_reconnects_total", NULL,
	    "Connections to PostgreSQL opened again after a loss." },
	[METRIC_DB_SLOW] = { "kedge_db_slow_statements_total", NULL,
	    "Statements that took longer than the limit." },
	[METRIC_CACHE_HITS] = { "kedge_cache_hits_total", NULL,
	    "Cache reads that found a value." },
	[METRIC_CACHE_MISSES] = { "kedge_cache_misses_total", NULL,
	    "Cache reads that found none." },
	[METRIC_CACHE_ERRORS] = { "kedge_cache_errors_total", NULL,
	    "Commands that Redis did not answer in time or at all." },
	[METRIC_RATE_LIMITED] = { "kedge_rate_limited_total", NULL,
	    "Requests refused by a rate limit." },
	[METRIC_REMOTE_CALLS] = { "kedge_remote_calls_total", NULL,
	    "HTTP calls to other servers." },
	[METRIC_REMOTE_ERRORS] = { "kedge_remote_errors_total", NULL,
	    "HTTP calls to other servers that failed." },
	[METRIC_MAIL_SENT] = { "kedge_mail_sent_total", NULL,
	    "Messages that the mail server has taken over." },
	[METRIC_MAIL_FAILED] = { "kedge_mail_failed_total", NULL,
	    "Messages that were given up." },
	[METRIC_MAIL_DEFERRED] = { "kedge_mail_deferred_total", NULL,
	    "Attempts to send a message that did not succeed, and were to be "
	    "repeated." },
};

static const struct metrics_name gauges[GAUGE__MAX] = {
	[GAUGE_THREADS_MAX] = { "kedge_threads_max", NULL,
	    "Threads that the thread pools may have." },
	[GAUGE_THREADS] = { "kedge_threads", NULL,
	    "Threads of the thread pools, started as they are needed." },
	[GAUGE_THREADS_BUSY] = { "kedge_threads_busy", NULL,
	    "Threads that are serving a request." },
	[GAUGE_THREAD_QUEUE] = { "kedge_thread_queue_depth", NULL,
	    "Requests that wait for a free thread." },
	[GAUGE_CONNECTIONS_MAX] = { "kedge_connections_max", NULL,
	    "Connections from nginx that the processes can hold." },
	[GAUGE_CONNECTIONS_IDLE] = { "kedge_connections", "state=\"idle\"",
	    "Connections from nginx: idle in the event loop, waiting for the "
	    "rest of a body, or busy with a request that waits for a thread or "
	    "has one." },
	[GAUGE_CONNECTIONS_BODY] = { "kedge_connections", "state=\"body\"",
	    NULL },
	[GAUGE_CONNECTIONS_BUSY] = { "kedge_connections", "state=\"busy\"",
	    NULL },
	[GAUGE_DB_IDLE] = { "kedge_db_connections", "state=\"idle\"",
	    "Connections to PostgreSQL." },
	[GAUGE_DB_BUSY] = { "kedge_db_connections", "state=\"busy\"", NULL },
	[GAUGE_DB_CONNECTING] = { "kedge_db_connections",
	    "state=\"connecting\"", NULL },
	[GAUGE_DB_WAITING] = { "kedge_db_pool_waiting", NULL,
	    "Callers that wait for a connection to PostgreSQL." },
	[GAUGE_DB_AWAY] = { "kedge_db_away", NULL,
	    "Connection pools that cannot reach PostgreSQL." },
	[GAUGE_CACHE_IDLE] = { "kedge_redis_connections", "state=\"idle\"",
	    "Connections to Redis." },
	[GAUGE_CACHE_BUSY] = { "kedge_redis_connections", "state=\"busy\"",
	    NULL },
	[GAUGE_CACHE_WAITING] = { "kedge_redis_pool_waiting", NULL,
	    "Callers that wait for a connection to Redis." },
	[GAUGE_CACHE_AWAY] = { "kedge_redis_breaker_open", NULL,
	    "Connection pools whose circuit breaker for Redis is open." },
	[GAUGE_REMOTE_BUSY] = { "kedge_remote_calls_in_progress", NULL,
	    "HTTP calls to other servers that are under way." },
};

static const struct metrics_name histograms[HISTOGRAM__MAX] = {
	[HISTOGRAM_THREAD_QUEUE] = { "kedge_thread_queue_seconds", NULL,
	    "Time that requests waited for a free thread." },
	[HISTOGRAM_LOOP_ROUND] = { "kedge_event_loop_round_seconds", NULL,
	    "Duration of a round of the event loop, its lag: what arrives "
	    "meanwhile waits that long." },
	[HISTOGRAM_DB_WAIT] = { "kedge_db_pool_wait_seconds", NULL,
	    "Time that callers waited for a connection to PostgreSQL." },
	[HISTOGRAM_DB_STATEMENT] = { "kedge_db_statement_seconds", NULL,
	    "Time from a statement to PostgreSQL's answer." },
	[HISTOGRAM_CACHE_WAIT] = { "kedge_redis_pool_wait_seconds", NULL,
	    "Time that callers waited for a connection to Redis." },
	[HISTOGRAM_CACHE_COMMAND] = { "kedge_redis_command_seconds", NULL,
	    "Time from commands to Redis's answer, connecting included." },
	[HISTOGRAM_REMOTE] = { "kedge_remote_call_seconds", NULL,
	    "Duration of HTTP calls to other servers." },
};
/* clang-format on */

static struct metrics_own own;

static int
count(const struct metrics_name *list)
{
	int n = 0;

	while (list != NULL && list[n].name != NULL)
		n++;
	return n;
}

void
metrics_declare(const struct metrics_own *declared)
{
	own = *declared;
	assert(count(own.counters) <= METRICS_OWN_MAX);
	assert(count(own.gauges) <= METRICS_OWN_MAX);
	assert(count(own.histograms) <= METRICS_OWN_MAX);
}

static const struct metrics_name *
find(const struct metrics_name *library, int max,
    const struct metrics_name *of_service, int number)
{
	if (number < max)
		return &library[number];
	number -= max;
	return number < count(of_service) ? &of_service[number] : NULL;
}

const struct metrics_name *
metrics_counter_name(int m)
{
	return find(counters, METRIC__MAX, own.counters, m);
}

const struct metrics_name *
metrics_gauge_name(int g)
{
	return find(gauges, GAUGE__MAX, own.gauges, g);
}

const struct metrics_name *
metrics_histogram_name(int h)
{
	return find(histograms, HISTOGRAM__MAX, own.histograms, h);
}

/* Continues the hash `h` with a text; NULL counts as "". */
static uint32_t
hash_text(uint32_t h, const char *text)
{
	if (text != NULL)
		h = fnv32_text(h, text);
	return fnv32_byte(h, '\n');
}

static uint32_t
hash_names(uint32_t h, const struct metrics_name *(*name_of)(int number))
{
	const struct metrics_name *name;

	for (int i = 0; (name = name_of(i)) != NULL; i++)
		h = hash_text(hash_text(h, name->name), name->label);
	return hash_text(h, NULL);
}

uint32_t
metrics_tables_hash(uint32_t seed)
{
	uint32_t h = FNV32_START ^ seed;

	h = hash_names(h, metrics_counter_name);
	h = hash_names(h, metrics_gauge_name);
	return hash_names(h, metrics_histogram_name);
}

/*
 * The HTTP statuses that are counted separately; any other one is counted as
 * "other".
 */
static const short statuses[] = { 200, 201, 202, 204, 206, 301, 302, 303, 304,
	307, 308, 400, 401, 403, 404, 405, 406, 408, 409, 410, 412, 413, 415,
	422, 428, 429, 431, 499, 500, 501, 502, 503, 504 };
static_assert(COUNT_OF(statuses) + 1 == METRICS_STATUSES, "and \"other\"");

/*
 * The upper bounds of the buckets of a histogram; one more bucket has no upper
 * bound.  The bounds range from the duration of a Redis command to more than
 * nginx's fastcgi_read_timeout (30 s).
 */
static const struct {
	int64_t us;
	const char *le;
} bounds[] = {
	{ 100, "0.0001" },
	{ 250, "0.00025" },
	{ 500, "0.0005" },
	{ 1000, "0.001" },
	{ 2500, "0.0025" },
	{ 5000, "0.005" },
	{ 10000, "0.01" },
	{ 25000, "0.025" },
	{ 50000, "0.05" },
	{ 100000, "0.1" },
	{ 250000, "0.25" },
	{ 500000, "0.5" },
	{ 1000000, "1" },
	{ 2500000, "2.5" },
	{ 5000000, "5" },
	{ 10000000, "10" },
	{ 30000000, "30" },
	{ 60000000, "60" },
};
static_assert(COUNT_OF(bounds) + 1 == METRICS_BUCKETS, "and \"+Inf\"");

size_t
metrics_status(int status)
{
	size_t i = 0;

	while (i < COUNT_OF(statuses) && statuses[i] != status)
		i++;
	return i;
}

const char *
metrics_status_label(size_t i, char out[8])
{
	if (i >= COUNT_OF(statuses))
		return "other";
	snprintf(out, 8, "%d", statuses[i]);
	return out;
}

size_t
metrics_bucket(int64_t duration_us)
{
	size_t i = 0;

	while (i < COUNT_OF(bounds) && duration_us > bounds[i].us)
		i++;
	return i;
}

const char *
metrics_bucket_bound(size_t bucket)
{
	assert(bucket < METRICS_BUCKETS);
	return bucket < COUNT_OF(bounds) ? bounds[bucket].le : "+Inf";
}

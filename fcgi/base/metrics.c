#include "base/metrics.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buf.h"

/* clang-format off */
static const struct {
	const char *name;
	const char *help;
} counters[METRIC__MAX] = {
	[METRIC_WORKER_STARTS] = { "kedge_worker_starts_total",
	    "Worker processes started." },
	[METRIC_WORKER_DEATHS] = { "kedge_worker_deaths_total",
	    "Worker processes that ended without being told to." },
	[METRIC_DB_QUERIES] = { "kedge_db_queries_total",
	    "Statements sent to PostgreSQL." },
	[METRIC_DB_ERRORS] = { "kedge_db_errors_total",
	    "Statements that PostgreSQL refused or that broke off." },
	[METRIC_DB_RECONNECTS] = { "kedge_db_reconnects_total",
	    "Connections to PostgreSQL opened again after a loss." },
	[METRIC_CACHE_HITS] = { "kedge_cache_hits_total",
	    "Cache reads that found a value." },
	[METRIC_CACHE_MISSES] = { "kedge_cache_misses_total",
	    "Cache reads that found none." },
	[METRIC_CACHE_ERRORS] = { "kedge_cache_errors_total",
	    "Commands that Redis did not answer in time or at all." },
	[METRIC_RATE_LIMITED] = { "kedge_rate_limited_total",
	    "Requests refused by a rate limit." },
	[METRIC_REMOTE_CALLS] = { "kedge_remote_calls_total",
	    "HTTP calls to other servers." },
	[METRIC_REMOTE_ERRORS] = { "kedge_remote_errors_total",
	    "HTTP calls to other servers that failed." },
	[METRIC_PASSWORD_HASHES] = { "kedge_password_hashes_total",
	    "Password hashes computed." },
	[METRIC_PASSWORD_REJECTED] = { "kedge_password_rejected_total",
	    "Password hashes refused because the queue was full." },
};
/* clang-format on */

/* What we answer; anything else is counted as status "other". */
static const short statuses[] = { 200, 201, 202, 204, 206, 301, 302, 303, 304,
	307, 308, 400, 401, 403, 404, 405, 406, 408, 409, 410, 412, 413, 415,
	422, 428, 429, 431, 499, 500, 501, 502, 503, 504 };

/* Upper bounds of the duration buckets; the last bucket has none. */
static const struct {
	int64_t us;
	const char *le;
} bounds[] = {
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
};

enum {
	NSTATUSES = COUNT_OF(statuses) + 1,
	NBUCKETS = COUNT_OF(bounds) + 1,
	/* One more, for what is no route. */
	NROUTES = METRICS_ROUTES_MAX + 1,
	OTHER_ROUTE = METRICS_ROUTES_MAX,
	AREA_MAGIC = 0x6b656467, /* change with any of the tables */
	AREA_LAYOUT = 2,
};

struct route_cells {
	_Atomic uint64_t statuses[NSTATUSES];
	_Atomic uint64_t buckets[NBUCKETS];
	_Atomic uint64_t sum_us;
};

/*
 * A slot's cells lie together, and its own counters before its routes: a
 * process touches a page or two until it serves, and pages that nobody
 * touched cost nothing.  That is 37 KiB for a slot with every route in use.
 */
struct slot {
	_Alignas(64) _Atomic uint64_t counters[METRIC__MAX];
	struct route_cells routes[NROUTES];
};

struct area {
	uint32_t magic;
	uint32_t layout;
	/*
	 * One bit per slot that was ever used.  Only those are read: in a memfd
	 * reading, too, allocates a page.
	 */
	_Atomic uint64_t used;
	_Atomic int64_t workers;
	struct slot slots[METRICS_SLOTS_MAX];
};

static_assert(METRICS_SLOTS_MAX <= 64, "area.used has a bit for each");

static struct area *area;
static struct slot *own; /* NULL until metrics_use_slot() */

static NORETURN void
die(const char *what)
{
	perror(what);
	abort();
}

static struct area *
map(int fd)
{
	void *addr = mmap(NULL, sizeof(struct area), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);

	if (addr == MAP_FAILED)
		die("metrics: mmap");
	return addr;
}

/* The area behind an inherited descriptor; NULL when it is not ours. */
static struct area *
adopt(int fd)
{
	struct area *a;
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_size != (off_t)sizeof(struct area))
		return NULL;
	a = map(fd);
	if (a->magic == AREA_MAGIC && a->layout == AREA_LAYOUT)
		return a;
	munmap(a, sizeof(*a));
	return NULL;
}

int
metrics_open(int fd)
{
	struct area *a = fd >= 0 ? adopt(fd) : NULL;

	if (a == NULL) {
		if (fd >= 0)
			close(fd);
		fd = memfd_create("metrics", MFD_CLOEXEC);
		if (fd < 0)
			die("metrics: memfd_create");
		if (ftruncate(fd, (off_t)sizeof(struct area)) != 0)
			die("metrics: ftruncate");
		a = map(fd);
		a->magic = AREA_MAGIC;
		a->layout = AREA_LAYOUT;
	}
	if (area != NULL)
		munmap(area, sizeof(*area));
	area = a;
	own = NULL;
	return fd;
}

void
metrics_use_slot(int slot)
{
	assert(slot >= 0 && slot < METRICS_SLOTS_MAX);
	if (area == NULL)
		return;
	own = &area->slots[slot];
	atomic_fetch_or_explicit(
	    &area->used, UINT64_C(1) << slot, memory_order_relaxed);
}

/* The next used slot, from the given one on; NULL after the last. */
static struct slot *
used_slot(int *slot)
{
	uint64_t used = atomic_load_explicit(&area->used, memory_order_relaxed);

	for (; *slot < METRICS_SLOTS_MAX; (*slot)++) {
		if ((used >> *slot & 1) != 0)
			return &area->slots[(*slot)++];
	}
	return NULL;
}

static void
add(_Atomic uint64_t *cell, uint64_t n)
{
	atomic_fetch_add_explicit(cell, n, memory_order_relaxed);
}

static uint64_t
get(_Atomic uint64_t *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}

void
metrics_add(enum metric m, uint64_t n)
{
	assert(m >= 0 && m < METRIC__MAX);
	if (own != NULL)
		add(&own->counters[m], n);
}

void
metrics_set_workers(int64_t count)
{
	if (area != NULL)
		atomic_store_explicit(
		    &area->workers, count, memory_order_relaxed);
}

static size_t
status_index(int status)
{
	size_t i = 0;

	while (i < COUNT_OF(statuses) && statuses[i] != status)
		i++;
	return i;
}

static size_t
bucket_index(int64_t duration_us)
{
	size_t i = 0;

	while (i < COUNT_OF(bounds) && duration_us > bounds[i].us)
		i++;
	return i;
}

void
metrics_request(int route, int status, int64_t duration_us)
{
	struct route_cells *cells;

	if (own == NULL)
		return;
	if (route < 0 || route >= METRICS_ROUTES_MAX)
		route = OTHER_ROUTE;
	if (duration_us < 0)
		duration_us = 0;
	cells = &own->routes[route];
	add(&cells->statuses[status_index(status)], 1);
	add(&cells->buckets[bucket_index(duration_us)], 1);
	add(&cells->sum_us, (uint64_t)duration_us);
}

/* What a route's cells say, over all slots. */
struct route_sum {
	uint64_t statuses[NSTATUSES];
	uint64_t buckets[NBUCKETS];
	uint64_t sum_us;
	uint64_t count;
};

static void
sum_cells(struct route_cells *cells, struct route_sum *sum)
{
	for (size_t i = 0; i < NSTATUSES; i++)
		sum->statuses[i] += get(&cells->statuses[i]);
	for (size_t i = 0; i < NBUCKETS; i++) {
		uint64_t n = get(&cells->buckets[i]);

		sum->buckets[i] += n;
		sum->count += n;
	}
	sum->sum_us += get(&cells->sum_us);
}

static struct route_sum
sum_route(int route)
{
	struct route_sum sum = { 0 };
	struct slot *slot;

	for (int i = 0; (slot = used_slot(&i)) != NULL;)
		sum_cells(&slot->routes[route], &sum);
	return sum;
}

static void
print_head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
print_label(struct buf *b, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\n') {
			buf_puts(b, "\\n");
			continue;
		}
		if (*p == '\\' || *p == '"')
			buf_putc(b, '\\');
		buf_putc(b, *p);
	}
}

/* NAME{service="...",route="... without the closing quote and brace. */
static void
print_series(
    struct buf *b, const char *name, const char *service, const char *route)
{
	buf_puts(b, name);
	buf_puts(b, "{service=\"");
	print_label(b, service);
	if (route != NULL) {
		buf_puts(b, "\",route=\"");
		print_label(b, route);
	}
}

static void
print_counters(struct buf *b, const char *service)
{
	for (int m = 0; m < METRIC__MAX; m++) {
		struct slot *slot;
		uint64_t n = 0;

		for (int i = 0; (slot = used_slot(&i)) != NULL;)
			n += get(&slot->counters[m]);
		print_head(b, counters[m].name, "counter", counters[m].help);
		print_series(b, counters[m].name, service, NULL);
		buf_printf(b, "\"} %llu\n", (unsigned long long)n);
	}
}

static void
print_workers(struct buf *b, const char *service)
{
	static const char name[] = "kedge_worker_processes";

	print_head(b, name, "gauge", "Worker processes alive.");
	print_series(b, name, service, NULL);
	buf_printf(b, "\"} %lld\n",
	    (long long)atomic_load_explicit(
		&area->workers, memory_order_relaxed));
}

static void
print_statuses(struct buf *b, const char *service, const char *route,
    const struct route_sum *sum)
{
	for (size_t i = 0; i < NSTATUSES; i++) {
		if (sum->statuses[i] == 0)
			continue;
		print_series(b, "kedge_http_requests_total", service, route);
		if (i < COUNT_OF(statuses))
			buf_printf(b, "\",status=\"%d\"} ", statuses[i]);
		else
			buf_puts(b, "\",status=\"other\"} ");
		buf_printf(b, "%llu\n", (unsigned long long)sum->statuses[i]);
	}
}

static void
print_durations(struct buf *b, const char *service, const char *route,
    const struct route_sum *sum)
{
	static const char name[] = "kedge_http_request_duration_seconds";
	uint64_t upto = 0;

	for (size_t i = 0; i < NBUCKETS; i++) {
		upto += sum->buckets[i];
		buf_puts(b, name);
		print_series(b, "_bucket", service, route);
		buf_printf(b, "\",le=\"%s\"} %llu\n",
		    i < COUNT_OF(bounds) ? bounds[i].le : "+Inf",
		    (unsigned long long)upto);
	}
	buf_puts(b, name);
	print_series(b, "_sum", service, route);
	buf_printf(b, "\"} %llu.%06llu\n",
	    (unsigned long long)(sum->sum_us / 1000000),
	    (unsigned long long)(sum->sum_us % 1000000));
	buf_puts(b, name);
	print_series(b, "_count", service, route);
	buf_printf(b, "\"} %llu\n", (unsigned long long)sum->count);
}

typedef void
print_route(struct buf *, const char *, const char *, const struct route_sum *);

static void
print_routes(struct buf *b, const char *service, const char *const *route_names,
    int nroutes, print_route *print)
{
	struct route_sum sum;

	for (int i = 0; i < nroutes && i < METRICS_ROUTES_MAX; i++) {
		sum = sum_route(i);
		if (sum.count > 0)
			print(b, service, route_names[i], &sum);
	}
	sum = sum_route(OTHER_ROUTE);
	if (sum.count > 0)
		print(b, service, "other", &sum);
}

void
metrics_print(struct buf *b, const char *service,
    const char *const *route_names, int nroutes)
{
	if (area == NULL)
		return;
	print_workers(b, service);
	print_counters(b, service);
	print_head(b, "kedge_http_requests_total", "counter",
	    "Requests answered, by route and status.");
	print_routes(b, service, route_names, nroutes, print_statuses);
	print_head(b, "kedge_http_request_duration_seconds", "histogram",
	    "Time from a request's parameters to its answer.");
	print_routes(b, service, route_names, nroutes, print_durations);
}

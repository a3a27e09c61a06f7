/*
 * metrics_print: prints the metrics as Prometheus text, each summed over all
 * processes.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/metrics.h"
#include "base/metrics_area.h"
#include "base/metrics_table.h"
#include "base/str.h"

struct sum {
	uint64_t buckets[METRICS_BUCKETS];
	uint64_t sum_us;
	uint64_t count;
};

struct route_sum {
	uint64_t statuses[METRICS_STATUSES];
	struct sum duration;
};

static const char *omitted[METRICS_OMITTED_MAX];

void
metrics_omit(const char *subject)
{
	int i = 0;

	while (i < METRICS_OMITTED_MAX && omitted[i] != NULL)
		i++;
	assert(i < METRICS_OMITTED_MAX);
	omitted[i] = subject;
}

/*
 * Whether the metric is called "kedge_SUBJECT_..." and metrics_omit() was
 * called with that subject.
 */
static bool
is_omitted(const char *name)
{
	const char *rest = name + strlen("kedge_");

	for (int i = 0; i < METRICS_OMITTED_MAX && omitted[i] != NULL; i++) {
		if (str_has_prefix(rest, omitted[i]) &&
		    rest[strlen(omitted[i])] == '_')
			return true;
	}
	return false;
}

/* -- text -- */

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

/* The labels of a time series. */
struct series {
	const char *service;
	const char *pool; /* NULL: the series is for the whole service */
	const char *route; /* NULL: no such label */
};

/*
 * Prints NAME{service="...",pool="...",route="..." without the closing brace.
 */
static void
print_series(struct buf *b, const char *name, const struct series *s)
{
	buf_puts(b, name);
	buf_puts(b, "{service=\"");
	print_label(b, s->service);
	if (s->pool != NULL) {
		buf_puts(b, "\",pool=\"");
		print_label(b, s->pool);
	}
	if (s->route != NULL) {
		buf_puts(b, "\",route=\"");
		print_label(b, s->route);
	}
	buf_putc(b, '"');
}

static void
print_value(struct buf *b, const char *name, const struct series *s,
    const char *label, int64_t value)
{
	print_series(b, name, s);
	if (label != NULL)
		buf_printf(b, ",%s", label);
	buf_printf(b, "} %lld\n", (long long)value);
}

static void
print_histogram(
    struct buf *b, const char *name, const struct series *s, struct sum *sum)
{
	uint64_t upto = 0;

	for (size_t i = 0; i < METRICS_BUCKETS; i++) {
		upto += sum->buckets[i];
		buf_puts(b, name);
		print_series(b, "_bucket", s);
		buf_printf(b, ",le=\"%s\"} %llu\n", metrics_bucket_bound(i),
		    (unsigned long long)upto);
	}
	buf_puts(b, name);
	print_series(b, "_sum", s);
	buf_printf(b, "} %llu.%06llu\n",
	    (unsigned long long)(sum->sum_us / 1000000),
	    (unsigned long long)(sum->sum_us % 1000000));
	buf_puts(b, name);
	print_series(b, "_count", s);
	buf_printf(b, "} %llu\n", (unsigned long long)sum->count);
}

/* -- sums -- */

/*
 * Returns the first slot of the pool with an index of at least *slot, and
 * increases *slot beyond it; NULL after the last.
 */
static struct metrics_slot *
next_slot(int pool, int *slot)
{
	for (; *slot < metrics_area->nslots; (*slot)++) {
		if (metrics_area->slot_rows[*slot].pool == pool)
			return &metrics_area->slots[(*slot)++];
	}
	return NULL;
}

static void
sum_histogram(struct metrics_histogram *h, struct sum *sum)
{
	for (size_t i = 0; i < METRICS_BUCKETS; i++) {
		uint64_t n = metrics_load(&h->buckets[i]);

		sum->buckets[i] += n;
		sum->count += n;
	}
	sum->sum_us += metrics_load(&h->sum_us);
}

static bool
is_used(struct metrics_slot *slot, int route)
{
	uint64_t word = metrics_load(&slot->routes_used[route / 64]);

	return (word >> (route % 64) & 1) != 0;
}

static struct route_sum
sum_route(int pool, int route)
{
	struct route_sum sum = { 0 };
	struct metrics_slot *slot;

	for (int i = 0; (slot = next_slot(pool, &i)) != NULL;) {
		struct metrics_route_cells *cells = &slot->routes[route];

		if (!is_used(slot, route))
			continue;
		for (size_t n = 0; n < METRICS_STATUSES; n++)
			sum.statuses[n] += metrics_load(&cells->statuses[n]);
		sum_histogram(&cells->duration, &sum.duration);
	}
	return sum;
}

static int64_t
sum_gauge(int pool, int gauge)
{
	int64_t sum = 0;

	for (int i = 0; i < metrics_area->nprocesses; i++) {
		struct metrics_process *p = &metrics_area->processes[i];

		if (p->pid != 0 && p->pool == pool)
			sum += atomic_load_explicit(
			    &p->gauges[gauge], memory_order_relaxed);
	}
	return sum;
}

/* -- metric families -- */

static struct series
of_pool(const char *service, int pool)
{
	return (struct series){
		.service = service,
		.pool = metrics_area->pools[pool].name,
	};
}

static void
print_service(struct buf *b, const char *service, const char *version)
{
	static const char build[] = "kedge_build_info",
			  start[] = "kedge_start_time_seconds";
	struct series s = { .service = service };

	print_head(b, build, "gauge", "1, with the version that answers.");
	print_series(b, build, &s);
	buf_puts(b, ",version=\"");
	print_label(b, version);
	buf_puts(b, "\"} 1\n");
	print_head(b, start, "gauge",
	    "When the counters of the service began, in seconds since 1970.");
	print_value(b, start, &s, /* label= */ NULL, metrics_area->made_s);
}

static void
print_processes(struct buf *b, const char *service)
{
	static const struct {
		const char *name, *help;
		size_t offset;
	} rows[] = {
		{ "kedge_worker_processes", "Worker processes alive.",
		    offsetof(struct metrics_pool_row, alive) },
		{ "kedge_worker_processes_ready",
		    "Worker processes that have started.",
		    offsetof(struct metrics_pool_row, ready) },
		{ "kedge_worker_processes_wanted",
		    "Worker processes that the configuration asks for.",
		    offsetof(struct metrics_pool_row, wanted) },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		print_head(b, rows[i].name, "gauge", rows[i].help);
		for (int p = 0; p < metrics_area->npools; p++) {
			struct series s = of_pool(service, p);
			char *row = (char *)&metrics_area->pools[p];

			print_value(b, rows[i].name, &s, /* label= */ NULL,
			    *(_Atomic int *)(row + rows[i].offset));
		}
	}
}

static void
print_counters(struct buf *b, const char *service)
{
	const struct metrics_name *name;

	for (int m = 0; (name = metrics_counter_name(m)) != NULL; m++) {
		if (is_omitted(name->name))
			continue;
		print_head(b, name->name, "counter", name->help);
		for (int p = 0; p < metrics_area->npools; p++) {
			struct series s = of_pool(service, p);
			struct metrics_slot *slot;
			uint64_t n = 0;

			for (int i = 0; (slot = next_slot(p, &i)) != NULL;)
				n += metrics_load(&slot->counters[m]);
			print_value(
			    b, name->name, &s, /* label= */ NULL, (int64_t)n);
		}
	}
}

static void
print_gauges(struct buf *b, const char *service)
{
	const struct metrics_name *name;

	for (int g = 0; (name = metrics_gauge_name(g)) != NULL; g++) {
		if (is_omitted(name->name))
			continue;
		if (name->help != NULL)
			print_head(b, name->name, "gauge", name->help);
		for (int p = 0; p < metrics_area->npools; p++) {
			struct series s = of_pool(service, p);

			print_value(
			    b, name->name, &s, name->label, sum_gauge(p, g));
		}
	}
}

static void
print_histograms(struct buf *b, const char *service)
{
	const struct metrics_name *name;

	for (int h = 0; (name = metrics_histogram_name(h)) != NULL; h++) {
		if (is_omitted(name->name))
			continue;
		print_head(b, name->name, "histogram", name->help);
		for (int p = 0; p < metrics_area->npools; p++) {
			struct series s = of_pool(service, p);
			struct sum sum = { 0 };
			struct metrics_slot *slot;

			for (int i = 0; (slot = next_slot(p, &i)) != NULL;)
				sum_histogram(&slot->histograms[h], &sum);
			if (sum.count > 0)
				print_histogram(b, name->name, &s, &sum);
		}
	}
}

typedef void
print_route(struct buf *b, const struct series *s, struct route_sum *sum);

static void
print_statuses(struct buf *b, const struct series *s, struct route_sum *sum)
{
	char text[8];

	for (size_t i = 0; i < METRICS_STATUSES; i++) {
		if (sum->statuses[i] == 0)
			continue;
		print_series(b, "kedge_http_requests_total", s);
		buf_printf(b, ",status=\"%s\"} %llu\n",
		    metrics_status_label(i, text),
		    (unsigned long long)sum->statuses[i]);
	}
}

static void
print_durations(struct buf *b, const struct series *s, struct route_sum *sum)
{
	print_histogram(
	    b, "kedge_http_request_duration_seconds", s, &sum->duration);
}

static void
print_routes(struct buf *b, const char *service, print_route *print)
{
	int nroutes = metrics_area->nroutes;

	for (int p = 0; p < metrics_area->npools; p++) {
		struct series s = of_pool(service, p);
		struct route_sum sum;

		for (int i = 0; i < nroutes; i++) {
			sum = sum_route(p, i);
			s.route = metrics_area->labels[i];
			if (sum.duration.count > 0)
				print(b, &s, &sum);
		}
		sum = sum_route(p, METRICS_OTHER_ROUTE);
		s.route = "other";
		if (sum.duration.count > 0)
			print(b, &s, &sum);
	}
}

void
metrics_print(struct buf *b, const char *service, const char *version)
{
	if (metrics_area == NULL)
		return;
	print_service(b, service, version);
	print_processes(b, service);
	print_counters(b, service);
	print_gauges(b, service);
	print_histograms(b, service);
	print_head(b, "kedge_http_requests_total", "counter",
	    "Requests answered, by route and status.");
	print_routes(b, service, print_statuses);
	print_head(b, "kedge_http_request_duration_seconds", "histogram",
	    "Time from a request's parameters to its answer.");
	print_routes(b, service, print_durations);
}

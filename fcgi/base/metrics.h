/*
 * metrics: counters, gauges and histograms in memory shared by all processes
 * of a service, printed as Prometheus text.  docs/METRICS.md lists them all.
 *
 * - Counters and histograms are added to in the slot of the process's place
 *   (pool and index in it), so that processes do not contend.  A replacement
 *   continues the slot of its predecessor, so that sums never fall.
 * - Gauges belong to one process: they vanish with it, however it ends.
 *
 * An update costs one or two relaxed atomic operations.  The area is a memfd
 * that the master makes once and hands on across its own re-execution.
 *
 * Without metrics_open() and metrics_use_slot() everything counts into
 * nothing, so that a module can be used by a test or a tool without an area.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;

enum {
	METRICS_SLOTS_MAX = 64,
	METRICS_PROCESSES_MAX = 256,
	METRICS_POOLS_MAX = 8,
	METRICS_ROUTES_MAX = 512,
};

/*
 * The library's own, counted for each service: one row each in metrics_table.c
 * gives name and help text.
 */
enum metric {
	METRIC_WORKER_STARTS,
	METRIC_WORKER_DEATHS,
	METRIC_DB_QUERIES,
	METRIC_DB_ERRORS,
	METRIC_DB_RECONNECTS,
	METRIC_DB_SLOW,
	METRIC_CACHE_HITS,
	METRIC_CACHE_MISSES,
	METRIC_CACHE_ERRORS,
	METRIC_RATE_LIMITED,
	METRIC_REMOTE_CALLS,
	METRIC_REMOTE_ERRORS,
	METRIC__MAX
};

enum metric_gauge {
	GAUGE_THREADS_MAX,
	GAUGE_THREADS,
	GAUGE_THREADS_BUSY,
	GAUGE_THREAD_QUEUE,
	GAUGE_CONNECTIONS_MAX,
	GAUGE_CONNECTIONS_IDLE,
	GAUGE_CONNECTIONS_BUSY,
	GAUGE_DB_IDLE,
	GAUGE_DB_BUSY,
	GAUGE_DB_CONNECTING,
	GAUGE_DB_WAITING,
	GAUGE_DB_AWAY,
	GAUGE_CACHE_IDLE,
	GAUGE_CACHE_BUSY,
	GAUGE_CACHE_WAITING,
	GAUGE_CACHE_AWAY,
	GAUGE_REMOTE_BUSY,
	GAUGE__MAX
};

enum metric_histogram {
	HISTOGRAM_THREAD_QUEUE,
	HISTOGRAM_LOOP_ROUND,
	HISTOGRAM_DB_WAIT,
	HISTOGRAM_DB_STATEMENT,
	HISTOGRAM_CACHE_WAIT,
	HISTOGRAM_CACHE_COMMAND,
	HISTOGRAM_REMOTE,
	HISTOGRAM__MAX
};

/*
 * A service's own metrics.  The first row of `counters` is the metric number
 * METRIC__MAX, the first of `gauges` GAUGE__MAX, the first of `histograms`
 * HISTOGRAM__MAX; METRICS_OWN_MAX of each at most.  A row without a name ends
 * a list; NULL is an empty list.
 */
struct metrics_name {
	const char *name;
	const char *label; /* of a gauge that shares its name: state="idle" */
	const char *help; /* NULL: the gauge before has it for both */
};
struct metrics_own {
	const struct metrics_name *counters;
	const struct metrics_name *gauges;
	const struct metrics_name *histograms;
};
enum { METRICS_OWN_MAX = 8 };
/* Before metrics_open(); `own` stays as long as the process. */
void metrics_declare(const struct metrics_own *own);

/* -- for the master, before and between forks -- */

/*
 * Maps the area.  fd is -1 to make one, or an inherited one; a size or layout
 * that does not fit makes a new one and closes fd.  Returns the descriptor
 * (close-on-exec).  Aborts when the kernel refuses.
 */
int metrics_open(int fd);
/*
 * The number of the route with that label ("GET /api/core/me"), for
 * metrics_request(): the same one each time, across re-execution as well.  -1:
 * there are METRICS_ROUTES_MAX, and this one counts as "other".
 */
int metrics_route(const char *label);
/* The slot that this process and the next forked ones add to, from now on. */
void metrics_use_slot(const char *pool, int index);
/* What the master knows of a pool's processes. */
struct metrics_pool {
	int wanted; /* by the configuration */
	int alive;
	int ready; /* of these */
	bool serves; /* it has a socket */
};
void metrics_set_pool(const char *pool, struct metrics_pool state);
/* A process that had called metrics_begin_process() has ended. */
void metrics_end_process(pid_t pid);

/* -- for the process that is counted -- */

/* Gives the process gauges of its own, after the fork. */
void metrics_begin_process(const char *pool);
/* `m`, `g` and `h` are of the enums above, or a service's own. */
void metrics_add(int m, uint64_t n);
void metrics_gauge_set(int g, int64_t value);
void metrics_gauge_add(int g, int64_t n);
void metrics_observe(int h, int64_t duration_us);
/*
 * One answered request.  `route` is metrics_route()'s; -1 counts as "other".
 * `status` is the HTTP status.
 */
void metrics_request(int route, int status, int64_t duration_us);

/*
 * Prints everything, in the text format 0.0.4.  What a pool never used (its
 * routes, histograms) is left out.
 */
void metrics_print(struct buf *b, const char *service, const char *version);

#endif

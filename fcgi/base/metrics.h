/*
 * metrics: counters, gauges and histograms in memory shared by all processes of
 * a service, printed as Prometheus text.  docs/METRICS.md lists them all.
 *
 * - A process adds to the counters and histograms of its slot (given by its
 * pool and its index in the pool), so that processes do not contend.  A
 * replacement process continues the slot of its predecessor, so that sums never
 * fall.
 * - Gauges belong to one process: they disappear with it, however it ends.
 *
 * An update costs one or two relaxed atomic operations.  The memory is a memfd
 * that the master creates once and passes on when it re-executes itself.
 *
 * Without metrics_open() and metrics_use_slot() updates have no effect, so that
 * a test or a tool can use a module without the shared memory.
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
	METRICS_OMITTED_MAX = 8,
};

/*
 * The metrics of the library, which every service has.  The row of each in
 * metrics_table.c has its name and help text.
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
	GAUGE_CONNECTIONS_BODY,
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
	const char *label; /* label of a gauge with this name: state="idle" */
	const char
	    *help; /* NULL: the help text of the previous gauge applies */
};
struct metrics_own {
	const struct metrics_name *counters;
	const struct metrics_name *gauges;
	const struct metrics_name *histograms;
};
enum { METRICS_OWN_MAX = 8 };
/*
 * To be called before metrics_open(); `declared` must stay valid as long as the
 * process.
 */
void metrics_declare(const struct metrics_own *declared);

/* -- for the master, before and between forks -- */

/*
 * Maps the shared memory.  fd is -1 to create it, or an inherited descriptor;
 * if size or layout do not match, fd is closed and new memory is created.
 * Returns the descriptor (close-on-exec).  Aborts when the kernel refuses.
 */
int metrics_open(int fd);
/*
 * The number of the route with that label ("GET /api/core/me"), for
 * metrics_request(): always the same, also after a re-execution.  Returns -1
 * when there are METRICS_ROUTES_MAX routes already; requests then count as
 * "other".
 */
int metrics_route(const char *label);
/* Selects the slot that this process, and those that it forks, add to. */
void metrics_use_slot(const char *pool, int index);
/* What the master knows about the processes of a pool. */
struct metrics_pool {
	int wanted; /* the configured number */
	int alive;
	int ready; /* of these */
	bool serves; /* the pool has a socket */
};
void metrics_set_pool(const char *pool, struct metrics_pool state);
/* Records that a process that had called metrics_begin_process() has ended. */
void metrics_end_process(pid_t pid);

/* -- for the process whose work is counted -- */

/* Gives the process its own gauges, after the fork. */
void metrics_begin_process(const char *pool);
/*
 * `m`, `g` and `h` are values of the enums above, or numbers of a service's own
 * metrics.
 */
void metrics_add(int m, uint64_t n);
void metrics_gauge_set(int g, int64_t value);
void metrics_gauge_add(int g, int64_t n);
void metrics_observe(int h, int64_t duration_us);
/*
 * Counts one answered request.  `route` comes from metrics_route(); -1 counts
 * as "other".  `status` is the HTTP status.
 */
void metrics_request(int route, int status, int64_t duration_us);

/*
 * Leaves the metrics named kedge_SUBJECT_... out of metrics_print(), with
 * SUBJECT such as "db": those of a server that the service does not use.  May
 * be called METRICS_OMITTED_MAX times; the text must live as long as the
 * process.
 */
void metrics_omit(const char *subject);

/*
 * Prints all metrics in the Prometheus text format 0.0.4.  Routes and
 * histograms that a pool never used are left out.
 */
void metrics_print(struct buf *b, const char *service, const char *version);

#endif

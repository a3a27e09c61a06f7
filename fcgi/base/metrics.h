/*
 * metrics: counters, gauges and histograms in memory shared by all processes of
 * a service, printed as Prometheus text.  docs/METRICS.md lists them all.
 *
 * - Each process has a slot, given by its pool and its index in the pool, and
 * adds only to the counters and histograms of this slot, so that processes do
 * not contend.  A replacement process continues the slot of its predecessor, so
 * that sums never fall.
 * - Gauges belong to one process: they disappear with it, however it ends.
 *
 * An update costs one or two relaxed atomic operations.  The memory is a memfd
 * that the master process creates once and passes on when it re-executes
 * itself.
 *
 * Before metrics_open() and metrics_use_slot(), updates have no effect, so that
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
 * The metrics of the library, which every service has.  metrics_table.c has the
 * name and the help text of each.
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
	METRIC_MAIL_SENT,
	METRIC_MAIL_FAILED,
	METRIC_MAIL_DEFERRED,
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
 * The metrics that a service declares itself.  Their numbers follow those of
 * the library: the first row of `counters` is metric METRIC__MAX, the first of
 * `gauges` GAUGE__MAX, the first of `histograms` HISTOGRAM__MAX.  Each list has
 * at most METRICS_OWN_MAX rows.  A row without a name ends a list; NULL is an
 * empty list.
 */
struct metrics_name {
	const char *name;
	const char *label; /* tells gauges of this name apart: state="idle" */
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
 * Declares the service's own metrics.  To be called before metrics_open();
 * `declared` must stay valid as long as the process lives.
 */
void metrics_declare(const struct metrics_own *declared);

/* -- for the master process, before and between forks -- */

/*
 * Maps the shared memory.  fd is an inherited descriptor, or -1 to create new
 * memory.  If the inherited memory has another size or layout, fd is closed and
 * new memory is created.  Returns the descriptor (close-on-exec).  Aborts when
 * the kernel refuses the memory.
 */
int metrics_open(int fd);
/*
 * Returns the number of the route with that label ("GET /api/core/me"), for
 * metrics_request().  The number of a label never changes, not even when the
 * master re-executes itself.  Returns -1 when there are METRICS_ROUTES_MAX
 * other routes; requests of this route then count as "other".
 */
int metrics_route(const char *label);
/*
 * Selects the slot to whose counters and histograms this process, and each
 * process that it forks, will add.
 */
void metrics_use_slot(const char *pool, int index);
/* The state of a pool, as the master process reports it. */
struct metrics_pool {
	int wanted; /* the configured number of processes */
	int alive;
	int ready; /* processes that are ready, of those alive */
	bool serves; /* whether the pool has a socket */
};
void metrics_set_pool(const char *pool, struct metrics_pool state);
/* Records that a process that had called metrics_begin_process() has ended. */
void metrics_end_process(pid_t pid);

/* -- for the process whose work is counted -- */

/* Gives the process its own set of gauges.  To be called after the fork. */
void metrics_begin_process(const char *pool);
/*
 * `m` is an enum metric, `g` an enum gauge and `h` an enum histogram, or the
 * number of a metric that the service declared itself.
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
 * Makes metrics_print() leave out all metrics named kedge_SUBJECT_..., for a
 * server that the service does not use: the subject of PostgreSQL is "db".  May
 * be called METRICS_OMITTED_MAX times.  The text must stay valid as long as the
 * process lives.
 */
void metrics_omit(const char *subject);

/*
 * Prints all metrics in the Prometheus text format 0.0.4.  Routes and
 * histograms that no process of a pool has used are left out for that pool.
 */
void metrics_print(struct buf *b, const char *service, const char *version);

#endif

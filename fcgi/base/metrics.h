/*
 * metrics: counters and duration histograms in memory shared by all workers of
 * a service, printed as Prometheus text.
 *
 * Each worker process adds to the cells of its own slot (no contention between
 * processes; relaxed atomics between its threads); a replacement continues its
 * predecessor's slot, so sums never fall.  The area is a memfd that the master
 * makes once and hands on across its own re-execution.
 *
 * Before metrics_open() and metrics_use_slot() everything counts into nothing,
 * so that a module can be used by a test or a tool without an area.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdint.h>

struct buf;

enum { METRICS_SLOTS_MAX = 64, METRICS_ROUTES_MAX = 96 };

/* Plain counters: one row each in metrics.c gives name and help text. */
enum metric {
	METRIC_WORKER_STARTS,
	METRIC_WORKER_DEATHS,
	METRIC_DB_QUERIES,
	METRIC_DB_ERRORS,
	METRIC_DB_RECONNECTS,
	METRIC_CACHE_HITS,
	METRIC_CACHE_MISSES,
	METRIC_CACHE_ERRORS,
	METRIC_RATE_LIMITED,
	METRIC_REMOTE_CALLS,
	METRIC_REMOTE_ERRORS,
	METRIC_PASSWORD_HASHES,
	METRIC_PASSWORD_REJECTED,
	METRIC__MAX
};

/*
 * Maps the area.  fd is -1 to make one, or an inherited one; a size or layout
 * that does not fit makes a new one and closes fd.  Returns the descriptor
 * (close-on-exec).  Aborts when the kernel refuses.
 */
int metrics_open(int fd);
/* The slot that this process adds to, from now on. */
void metrics_use_slot(int slot);
void metrics_add(enum metric m, uint64_t n);
/* The gauge of living worker processes; the master sets it. */
void metrics_set_workers(int64_t count);
/*
 * `route` indexes the service's route list; one outside of it counts as
 * "other".  `status` is the HTTP status.
 */
void metrics_request(int route, int status, int64_t duration_us);
/*
 * Prints everything, in the text format 0.0.4; routes that were never used
 * are left out.  route_names[i] is the label of route i ("GET /me").
 */
void metrics_print(struct buf *b, const char *service,
    const char *const *route_names, int nroutes);

#endif

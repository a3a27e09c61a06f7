/*
 * metrics_area: the layout of the shared memory with the metrics.  Only
 * metrics*.c and health.c use it.
 */
#ifndef BASE_METRICS_AREA_H
#define BASE_METRICS_AREA_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/metrics.h"

enum {
	METRICS_STATUSES = 34, /* see metrics_status(); the last is "other" */
	METRICS_BUCKETS = 19,
	METRICS_ROUTE_WORDS = METRICS_ROUTES_MAX / 64 + 1,
	/* The index of one more entry, for requests that match no route. */
	METRICS_OTHER_ROUTE = METRICS_ROUTES_MAX,
	METRICS_NAME_SIZE = 32,
	METRICS_LABEL_SIZE = 128,
	METRICS_COUNTERS_MAX = METRIC__MAX + METRICS_OWN_MAX,
	METRICS_GAUGES_MAX = GAUGE__MAX + METRICS_OWN_MAX,
	METRICS_HISTOGRAMS_MAX = HISTOGRAM__MAX + METRICS_OWN_MAX,
};

struct metrics_histogram {
	_Atomic uint64_t buckets[METRICS_BUCKETS];
	_Atomic uint64_t sum_us;
};

struct metrics_route_cells {
	_Atomic uint64_t statuses[METRICS_STATUSES];
	struct metrics_histogram duration;
};

/*
 * The counters of a slot are next to each other, and its routes come last, so
 * that a process touches only a page or two before its first request.  A page
 * of a memfd costs nothing until it is read or written.  So `routes_used`, with
 * one bit for each route, says which routes have counters worth reading.
 */
struct metrics_slot {
	_Alignas(64) _Atomic uint64_t counters[METRICS_COUNTERS_MAX];
	struct metrics_histogram histograms[METRICS_HISTOGRAMS_MAX];
	_Atomic uint64_t routes_used[METRICS_ROUTE_WORDS];
	struct metrics_route_cells routes[METRICS_ROUTES_MAX + 1];
};

struct metrics_process {
	_Alignas(64) _Atomic int64_t pid; /* 0: the entry is free */
	_Atomic int pool;
	_Atomic int64_t beat_us; /* last heartbeat (monotonic); 0: none */
	_Atomic int64_t gauges[METRICS_GAUGES_MAX];
};

/* Only the master process writes this. */
struct metrics_pool_row {
	char name[METRICS_NAME_SIZE];
	_Atomic int wanted, alive, ready, serves;
};
struct metrics_slot_row {
	int pool;
	int index;
};

struct metrics_area {
	uint32_t magic;
	uint32_t layout; /* hash of all names; see metrics_tables_hash() */
	int64_t made_s; /* when the memory was created: seconds since 1970 */
	_Atomic int draining;
	_Atomic int npools;
	_Atomic int nslots;
	_Atomic int nroutes;
	_Atomic int nprocesses; /* entries of `processes` ever used */
	struct metrics_pool_row pools[METRICS_POOLS_MAX];
	struct metrics_slot_row slot_rows[METRICS_SLOTS_MAX];
	char labels[METRICS_ROUTES_MAX][METRICS_LABEL_SIZE];
	struct metrics_process processes[METRICS_PROCESSES_MAX];
	struct metrics_slot slots[METRICS_SLOTS_MAX];
};

extern struct metrics_area *metrics_area; /* NULL before metrics_open() */
extern struct metrics_process *metrics_own_process; /* NULL: no gauges */

static inline uint64_t
metrics_load(_Atomic uint64_t *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}

#endif

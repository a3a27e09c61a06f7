/*
 * metrics_count: creates the shared memory with the metrics, and updates them.
 */
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/metrics_area.h"
#include "base/metrics_table.h"
#include "base/str.h"

enum {
	AREA_MAGIC = 0x6b656467,
	AREA_LAYOUT = 6, /* increase it when struct metrics_area changes */
};

struct metrics_area *metrics_area;
static struct metrics_slot *own; /* NULL before metrics_use_slot() */
struct metrics_process *metrics_own_process;

/* -- the shared memory -- */

static NORETURN void
die(const char *what)
{
	perror(what);
	abort();
}

static struct metrics_area *
map(int fd)
{
	void *addr = mmap(NULL, sizeof(struct metrics_area),
	    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (addr == MAP_FAILED)
		die("metrics: mmap");
	return addr;
}

/*
 * A hash of the memory's layout: releases that declare different metrics cannot
 * share the memory.
 */
static uint32_t
layout(void)
{
	return metrics_tables_hash(AREA_LAYOUT);
}

/*
 * Maps the memory of an inherited descriptor; returns NULL when the memory has
 * another layout than this release uses.
 */
static struct metrics_area *
adopt(int fd)
{
	struct metrics_area *a;
	struct stat st;

	if (fstat(fd, &st) != 0 ||
	    st.st_size != (off_t)sizeof(struct metrics_area))
		return NULL;
	a = map(fd);
	if (a->magic == AREA_MAGIC && a->layout == layout())
		return a;
	munmap(a, sizeof(*a));
	return NULL;
}

int
metrics_open(int fd)
{
	struct metrics_area *a = fd >= 0 ? adopt(fd) : NULL;

	if (a == NULL) {
		if (fd >= 0)
			close(fd);
		fd = memfd_create("metrics", MFD_CLOEXEC);
		if (fd < 0)
			die("metrics: memfd_create");
		if (ftruncate(fd, (off_t)sizeof(struct metrics_area)) != 0)
			die("metrics: ftruncate");
		a = map(fd);
		a->magic = AREA_MAGIC;
		a->layout = layout();
		a->made_s = clock_now_ms() / 1000;
	}
	if (metrics_area != NULL)
		munmap(metrics_area, sizeof(*metrics_area));
	metrics_area = a;
	a->draining = 0;
	/*
	 * The new release may have fewer pools: reset all of them.  The master
	 * then sets the pools that still exist.
	 */
	for (int i = 0; i < a->npools; i++)
		metrics_set_pool(a->pools[i].name, (struct metrics_pool){ 0 });
	own = NULL;
	metrics_own_process = NULL;
	return fd;
}

/* -- tables that only the master process changes -- */

/*
 * Returns the number of the pool, and adds the pool if necessary.  When the
 * table is full, the last entry stands for all further pools.
 */
static int
find_pool(const char *name)
{
	int n = metrics_area->npools;

	for (int i = 0; i < n; i++) {
		if (strcmp(metrics_area->pools[i].name, name) == 0)
			return i;
	}
	if (n == METRICS_POOLS_MAX)
		return n - 1;
	(void)str_copy(metrics_area->pools[n].name, METRICS_NAME_SIZE, name);
	metrics_area->npools = n + 1;
	return n;
}

/*
 * Finds or adds the slot of a process.  A slot is found by pool and index, so
 * that counters stay with their pool when a release changes the number of
 * processes.  When all slots are taken, a process shares the slot of another:
 * that is slower, but no update is lost.
 */
static int
find_slot(int pool, int index)
{
	int n = metrics_area->nslots, shared = METRICS_SLOTS_MAX - 1;

	for (int i = 0; i < n; i++) {
		const struct metrics_slot_row *row =
		    &metrics_area->slot_rows[i];

		if (row->pool == pool && row->index == index)
			return i;
		if (row->pool == pool)
			shared = i;
	}
	if (n == METRICS_SLOTS_MAX)
		return shared;
	metrics_area->slot_rows[n] =
	    (struct metrics_slot_row){ .pool = pool, .index = index };
	metrics_area->nslots = n + 1;
	return n;
}

void
metrics_use_slot(const char *pool, int index)
{
	if (metrics_area != NULL)
		own = &metrics_area->slots[find_slot(find_pool(pool), index)];
}

int
metrics_route(const char *label)
{
	int n;

	if (metrics_area == NULL)
		return -1;
	n = metrics_area->nroutes;
	for (int i = 0; i < n; i++) {
		if (strncmp(metrics_area->labels[i], label,
			METRICS_LABEL_SIZE - 1) == 0)
			return i;
	}
	if (n == METRICS_ROUTES_MAX)
		return -1;
	(void)str_copy(metrics_area->labels[n], METRICS_LABEL_SIZE, label);
	metrics_area->nroutes = n + 1;
	return n;
}

void
metrics_set_pool(const char *pool, struct metrics_pool state)
{
	struct metrics_pool_row *row;

	if (metrics_area == NULL)
		return;
	row = &metrics_area->pools[find_pool(pool)];
	row->wanted = state.wanted;
	row->alive = state.alive;
	row->ready = state.ready;
	row->serves = state.serves;
}

/* -- gauges of a process -- */

/*
 * Makes nprocesses larger than the index `row`.  Entries of `processes` from
 * nprocesses on are never read, because reading would allocate their pages.
 */
static void
count_row(int row)
{
	int n = metrics_area->nprocesses;

	while (n <= row && !atomic_compare_exchange_weak(
			       &metrics_area->nprocesses, &n, row + 1))
		continue;
}

void
metrics_begin_process(const char *pool)
{
	int64_t pid = getpid();

	metrics_own_process = NULL;
	for (int i = 0; metrics_area != NULL && i < METRICS_PROCESSES_MAX;
	     i++) {
		struct metrics_process *p = &metrics_area->processes[i];
		int64_t nobody = 0;

		if (p->pid != 0 ||
		    !atomic_compare_exchange_strong(&p->pid, &nobody, pid))
			continue;
		p->pool = find_pool(pool);
		metrics_own_process = p;
		count_row(i);
		return;
	}
}

void
metrics_end_process(pid_t pid)
{
	for (int i = 0; metrics_area != NULL && i < metrics_area->nprocesses;
	     i++) {
		struct metrics_process *p = &metrics_area->processes[i];

		if (p->pid != pid)
			continue;
		for (int g = 0; g < METRICS_GAUGES_MAX; g++)
			p->gauges[g] = 0;
		p->beat_us = 0;
		p->pid = 0;
		return;
	}
}

/* -- updates -- */

static void
add(_Atomic uint64_t *cell, uint64_t n)
{
	atomic_fetch_add_explicit(cell, n, memory_order_relaxed);
}

void
metrics_add(int m, uint64_t n)
{
	assert(m >= 0 && m < METRICS_COUNTERS_MAX);
	if (own != NULL)
		add(&own->counters[m], n);
}

void
metrics_gauge_set(int g, int64_t value)
{
	assert(g >= 0 && g < METRICS_GAUGES_MAX);
	if (metrics_own_process != NULL)
		atomic_store_explicit(&metrics_own_process->gauges[g], value,
		    memory_order_relaxed);
}

void
metrics_gauge_add(int g, int64_t n)
{
	assert(g >= 0 && g < METRICS_GAUGES_MAX);
	if (metrics_own_process != NULL)
		atomic_fetch_add_explicit(
		    &metrics_own_process->gauges[g], n, memory_order_relaxed);
}

static void
observe(struct metrics_histogram *h, int64_t duration_us)
{
	if (duration_us < 0)
		duration_us = 0;
	add(&h->buckets[metrics_bucket(duration_us)], 1);
	add(&h->sum_us, (uint64_t)duration_us);
}

void
metrics_observe(int h, int64_t duration_us)
{
	assert(h >= 0 && h < METRICS_HISTOGRAMS_MAX);
	if (own != NULL)
		observe(&own->histograms[h], duration_us);
}

static void
mark_used(struct metrics_slot *slot, int route)
{
	_Atomic uint64_t *word = &slot->routes_used[route / 64];
	uint64_t bit = UINT64_C(1) << (route % 64);

	if ((metrics_load(word) & bit) == 0)
		atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
}

void
metrics_request(int route, int status, int64_t duration_us)
{
	struct metrics_route_cells *cells;

	if (own == NULL)
		return;
	if (route < 0 || route >= METRICS_ROUTES_MAX)
		route = METRICS_OTHER_ROUTE;
	mark_used(own, route);
	cells = &own->routes[route];
	add(&cells->statuses[metrics_status(status)], 1);
	observe(&cells->duration, duration_us);
}

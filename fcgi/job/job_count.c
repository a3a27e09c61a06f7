#include "job/job_count.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/str.h"
#include "base/uuid.h"
#include "job/job_set.h"
#include "job/log_events.h"
#include "process/shared.h"

enum {
	TEXT_MAX_BYTES = 1 << 20,
	/*
	 * Number of cells: enough for the kinds of two releases, which run side
	 * by side during a restart.
	 */
	CELLS = 2 * JOB_KINDS_MAX,
	KIND_SIZE = 104, /* more bytes than job_set_check() allows for a name */
};

enum value {
	VALUE_COMPLETED,
	VALUE_FAILED, /* failed attempts */
	VALUE_DISCARDED,
	VALUE_RUN_US,
	VALUE_BUCKETS, /* the first bucket; JOB_BUCKETS - 1 more follow */
	VALUES = VALUE_BUCKETS + JOB_BUCKETS
};

/* The counters of one kind of job. They only grow. */
struct cell {
	char kind[KIND_SIZE]; /* name of the kind; "": the cell is free */
	atomic_int_least64_t total[VALUES];
	/*
	 * The totals of the last flush that was stored, and of the flush that
	 * is being sent; `state` of the area says which is which.
	 */
	int64_t flushed[2][VALUES];
};

/*
 * A process can die at any instruction, and the next one that takes the lock
 * finds the area as it was left.  With n flushes stored, `state` is 2n.  It is
 * 2n + 1 once the totals of the next flush are fixed in flushed[(n + 1) % 2]:
 * that flush may have been sent, so exactly the same must be sent again.
 */
struct area {
	pthread_mutex_t naming; /* guards the cells' `kind` */
	pthread_mutex_t flushing; /* guards `flushed` and writes of `state` */
	atomic_int_least64_t state;
	char source[UUID_TEXT_SIZE];
	struct cell cells[CELLS];
};

struct job_counts {
	struct area *area;
	bool own; /* true: the area is private to this process */
	int nkinds;
	/* one cell for each kind; NULL: there was no room */
	struct cell **cells;
};

static struct area *shared;

/* -- run times -- */

static const struct {
	int64_t ms;
	const char *text;
} buckets[JOB_BUCKETS] = {
	{ 1, "0.001" },
	{ 5, "0.005" },
	{ 10, "0.01" },
	{ 50, "0.05" },
	{ 100, "0.1" },
	{ 500, "0.5" },
	{ 1000, "1" },
	{ 5000, "5" },
	{ 10000, "10" },
	{ 30000, "30" },
	{ 60000, "60" },
	{ 300000, "300" },
	{ 1800000, "1800" },
	{ INT64_MAX, "+Inf" },
};

size_t
job_bucket(int64_t run_ms)
{
	size_t i = 0;

	while (run_ms > buckets[i].ms)
		i++;
	return i;
}

const char *
job_bucket_bound(size_t bucket)
{
	assert(bucket < JOB_BUCKETS);
	return buckets[bucket].text;
}

/* -- the shared area -- */

static void
init_area(struct area *area)
{
	mutex_init_shared(&area->naming);
	mutex_init_shared(&area->flushing);
	uuid_v7(area->source);
}

void
job_counts_prepare(void)
{
	bool fresh;

	shared = shared_open("job-counts", sizeof(*shared), &fresh);
	if (fresh)
		init_area(shared);
}

/*
 * Locks the mutex. Returns false if another process held it until the deadline.
 */
static bool
lock(pthread_mutex_t *mutex, int64_t deadline_us)
{
	int e = mutex_lock_until(mutex, deadline_us);

	if (e == EOWNERDEAD)
		pthread_mutex_consistent(mutex);
	return e == 0 || e == EOWNERDEAD;
}

static int64_t
in_ms(int64_t ms)
{
	return clock_monotonic_us() + ms * 1000;
}

/* -- the counters of this process -- */

static struct area *
map_own(void)
{
	struct area *area = mmap(NULL, sizeof(*area), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		abort();
	init_area(area);
	return area;
}

/*
 * Finds or makes the cell of a kind. Returns NULL if there is no room. The
 * caller holds `naming`.
 */
static struct cell *
find_cell(struct area *area, const char *kind)
{
	for (int i = 0; i < CELLS; i++) {
		struct cell *cell = &area->cells[i];

		if (str_eq(cell->kind, kind))
			return cell;
		if (cell->kind[0] == '\0') {
			str_copy(cell->kind, KIND_SIZE, kind);
			return cell;
		}
	}
	return NULL;
}

static void
find_cells(struct job_counts *c, const struct job_set *set)
{
	int64_t deadline_us = in_ms(60000);
	bool locked = lock(&c->area->naming, deadline_us);

	for (int i = 0; locked && i < c->nkinds; i++) {
		const char *kind = job_set_kind_at(set, i)->name;

		c->cells[i] = find_cell(c->area, kind);
		if (c->cells[i] == NULL)
			log_event(LOG_WARN, EVENT_JOB_COUNTERS_FULL,
			    LOG_TEXT("kind", kind));
	}
	if (locked)
		pthread_mutex_unlock(&c->area->naming);
}

struct job_counts *
job_counts_new(const struct job_set *set)
{
	struct job_counts *c = calloc(1, sizeof(*c));
	int n = job_set_count_kinds(set);

	if (c == NULL)
		abort();
	c->own = shared == NULL;
	c->area = c->own ? map_own() : shared;
	c->nkinds = n;
	c->cells = calloc((size_t)n + 1, sizeof(struct cell *));
	if (c->cells == NULL)
		abort();
	find_cells(c, set);
	return c;
}

void
job_counts_free(struct job_counts *c)
{
	if (c == NULL)
		return;
	if (c->own)
		munmap(c->area, sizeof(*c->area));
	free(c->cells);
	free(c);
}

static void
add(struct cell *cell, size_t value, int64_t n)
{
	atomic_fetch_add_explicit(&cell->total[value], n, memory_order_relaxed);
}

void
job_counts_add(struct job_counts *c, int kind, enum job_outcome outcome,
    bool last, int64_t ran_us)
{
	struct cell *cell;

	assert(kind >= 0 && kind < c->nkinds);
	cell = c->cells[kind];
	if (cell == NULL || outcome == OUTCOME_SNOOZED ||
	    outcome == OUTCOME_RELEASED)
		return;
	if (outcome == OUTCOME_COMPLETED)
		add(cell, VALUE_COMPLETED, 1);
	if (outcome == OUTCOME_FAILED || outcome == OUTCOME_DISCARDED)
		add(cell, VALUE_FAILED, 1);
	if (outcome == OUTCOME_DISCARDED || (outcome == OUTCOME_FAILED && last))
		add(cell, VALUE_DISCARDED, 1);
	add(cell, VALUE_RUN_US, ran_us);
	add(cell, VALUE_BUCKETS + job_bucket((ran_us + 999) / 1000), 1);
}

/* -- flushing -- */

/*
 * Whether a cell is in use. Cells are taken in order, so the first free cell
 * ends the list.
 */
static bool
is_used(const struct area *area, int i)
{
	return i < CELLS && area->cells[i].kind[0] != '\0';
}

static void
fix_totals(struct area *area, int64_t number)
{
	for (int i = 0; is_used(area, i); i++) {
		struct cell *cell = &area->cells[i];

		for (int v = 0; v < VALUES; v++)
			cell->flushed[(number + 1) % 2][v] =
			    atomic_load_explicit(
				&cell->total[v], memory_order_relaxed);
	}
	atomic_store(&area->state, 2 * number + 1);
}

static bool
has_changed(const struct cell *cell)
{
	return memcmp(cell->flushed[0], cell->flushed[1],
		   sizeof(cell->flushed[0])) != 0;
}

static void
write_cell(struct buf *b, const struct cell *cell, int64_t number)
{
	const int64_t *was = cell->flushed[number % 2],
		      *is = cell->flushed[(number + 1) % 2];

	buf_puts(b, b->len == 0 ? "[" : ",");
	buf_printf(b,
	    "{\"kind\":\"%s\",\"completed\":%lld,\"failed\":%lld,"
	    "\"discarded\":%lld,\"runMs\":%lld,\"buckets\":",
	    cell->kind, (long long)(is[VALUE_COMPLETED] - was[VALUE_COMPLETED]),
	    (long long)(is[VALUE_FAILED] - was[VALUE_FAILED]),
	    (long long)(is[VALUE_DISCARDED] - was[VALUE_DISCARDED]),
	    /*
	     * Not (is - was) / 1000, which would lose fractions of a
	     * millisecond at each flush.
	     */
	    (long long)(is[VALUE_RUN_US] / 1000 - was[VALUE_RUN_US] / 1000));
	for (int i = VALUE_BUCKETS; i < VALUES; i++) {
		buf_putc(b, i == VALUE_BUCKETS ? '[' : ',');
		buf_put_i64(b, is[i] - was[i]);
	}
	buf_puts(b, "]}");
}

/* Returns NULL when nothing was counted since the last flush. */
static const char *
write_delta(struct area *area, struct arena *a, int64_t number)
{
	struct buf b;

	buf_init(&b, a, TEXT_MAX_BYTES);
	for (int i = 0; is_used(area, i); i++) {
		if (has_changed(&area->cells[i]))
			write_cell(&b, &area->cells[i], number);
	}
	if (b.len == 0)
		return NULL;
	buf_putc(&b, ']');
	return b.data;
}

bool
job_counts_take(struct job_counts *c, struct arena *a, int64_t wait_ms,
    struct job_counts_delta *ret_delta)
{
	int64_t deadline_us = in_ms(wait_ms);
	struct area *area = c->area;
	const char *counts;
	int64_t state;

	if (!lock(&area->flushing, deadline_us))
		return false;
	state = atomic_load(&area->state);
	if (state % 2 == 0)
		fix_totals(area, state / 2);
	counts = write_delta(area, a, state / 2);
	if (counts == NULL) {
		atomic_store(&area->state, state / 2 * 2);
		pthread_mutex_unlock(&area->flushing);
		return false;
	}
	*ret_delta = (struct job_counts_delta){
		.source = area->source,
		.seq = state / 2 + 1,
		.counts = counts,
	};
	return true;
}

void
job_counts_sent(struct job_counts *c, bool stored)
{
	struct area *area = c->area;
	int64_t state = atomic_load(&area->state);

	if (stored)
		atomic_store(&area->state, state / 2 * 2 + 2);
	pthread_mutex_unlock(&area->flushing);
}

#include "auth/session/session_epoch.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "auth/session/epoch_store.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"

enum { PERIOD_MS = 1000, PERIOD_US = PERIOD_MS * 1000 };

struct epoch_ticker {
	struct epoch *epoch;
	struct db *db;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	bool stopping;
};

int64_t
epoch_get(const struct epoch *e)
{
	return atomic_load_explicit(&e->value, memory_order_acquire);
}

void
epoch_raise(struct epoch *e, int64_t value)
{
	int64_t old = epoch_get(e);

	while (old < value &&
	       !atomic_compare_exchange_weak_explicit(&e->value, &old, value,
		   memory_order_acq_rel, memory_order_acquire))
		;
}

bool
epoch_in_doubt(const struct epoch *e)
{
	return atomic_load(&e->doubts) != atomic_load(&e->settled);
}

void
epoch_doubt(struct epoch *e)
{
	atomic_fetch_add(&e->doubts, 1);
	log_event(LOG_WARN, "cache is not used until the epoch is renewed");
}

/* Never backwards: another process may have settled more. */
static void
settle(struct epoch *e, int64_t doubts)
{
	int64_t old = atomic_load(&e->settled);

	while (old < doubts &&
	       !atomic_compare_exchange_weak(&e->settled, &old, doubts))
		;
}

struct renewal {
	int64_t least;
	int64_t epoch;
};

static enum err
renew_row(struct db *tx, struct arena *a, void *ctx)
{
	struct renewal *r = ctx;
	enum err e = epoch_lock(tx, a, /* alone= */ true);

	return e != ERR_OK ? e : epoch_raise_row(tx, a, r->least, &r->epoch);
}

enum err
epoch_renew(struct epoch *e, struct db *db, struct arena *a)
{
	/* Read first: what comes into doubt from here on stays so. */
	int64_t doubts = atomic_load(&e->doubts);
	struct renewal r = { .least = epoch_get(e) + 1 };
	enum err failure = db_transact(db, a, renew_row, &r);

	if (failure != ERR_OK)
		return failure;
	epoch_raise(e, r.epoch);
	settle(e, doubts);
	return ERR_OK;
}

void
epoch_begin_revocation(struct epoch *e, int slot)
{
	if (slot >= 0)
		atomic_fetch_add(&e->under_way[slot], 1);
}

void
epoch_end_revocation(struct epoch *e, int slot)
{
	if (slot >= 0)
		atomic_fetch_sub(&e->under_way[slot], 1);
}

/*
 * In a rolling restart the predecessor still lives: what it has under way is
 * then doubted for nothing, and its end counts below zero, which is doubted
 * once more at the next start.
 */
void
epoch_take_over(struct epoch *e, int slot)
{
	if (slot >= 0 && atomic_exchange(&e->under_way[slot], 0) != 0)
		epoch_doubt(e);
}

static enum err
restore_row(struct db *tx, struct arena *a, void *ctx)
{
	const int64_t *least = ctx;
	enum err e = epoch_lock(tx, a, /* alone= */ true);

	return e != ERR_OK ? e : epoch_restore_row(tx, a, *least);
}

/*
 * A row behind what we know comes from an old backup, or from a standby that
 * took over without the last commits.  Hosts that start now would trust it and
 * mark keys that nobody reads.
 */
static void
catch_up(struct epoch_ticker *t, struct arena *a)
{
	int64_t known = epoch_get(t->epoch), row;

	/* A failure has been logged; the next turn tries again. */
	if (epoch_in_doubt(t->epoch) &&
	    epoch_renew(t->epoch, t->db, a) != ERR_OK)
		return;
	if (epoch_select(t->db, a, &row) != ERR_OK)
		return;
	epoch_raise(t->epoch, row);
	if (row < known) {
		log_event(LOG_WARN, "cache epoch in the database is behind",
		    LOG_NUM("row", row), LOG_NUM("known", known));
		if (db_transact(t->db, a, restore_row, &known) != ERR_OK)
			return;
	}
}

/* True for one ticker of this host in each period. */
static bool
is_turn(struct epoch *e)
{
	int64_t now = clock_monotonic_us();
	int64_t last = atomic_load(&e->read_at_us);

	/* A little early, so that our own last turn is not in the way. */
	return now - last >= PERIOD_US - PERIOD_US / 10 &&
	       atomic_compare_exchange_strong(&e->read_at_us, &last, now);
}

static void
sleep_for_period(struct epoch_ticker *t)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PERIOD_MS / 1000;
	pthread_cond_clockwait(&t->stopped, &t->lock, CLOCK_MONOTONIC, &until);
}

static void *
tick(void *arg)
{
	struct epoch_ticker *t = arg;
	struct arena *a = arena_new();

	pthread_mutex_lock(&t->lock);
	while (!t->stopping) {
		pthread_mutex_unlock(&t->lock);
		if (is_turn(t->epoch))
			catch_up(t, a);
		arena_reset(a);
		pthread_mutex_lock(&t->lock);
		if (!t->stopping)
			sleep_for_period(t);
	}
	pthread_mutex_unlock(&t->lock);
	arena_free(a);
	return NULL;
}

struct epoch_ticker *
epoch_ticker_start(struct epoch *e, struct db *db)
{
	struct epoch_ticker *t = calloc(1, sizeof(*t));

	if (t == NULL)
		abort();
	t->epoch = e;
	t->db = db;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->stopped, NULL);
	if (pthread_create(&t->thread, NULL, tick, t) != 0) {
		log_event(LOG_ERROR, "epoch ticker was not started");
		free(t);
		return NULL;
	}
	return t;
}

void
epoch_ticker_stop(struct epoch_ticker *t)
{
	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	t->stopping = true;
	pthread_cond_signal(&t->stopped);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	pthread_cond_destroy(&t->stopped);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

#include "http/waiting.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "http/conn.h"
#include "http/seat.h"
#include "http/thread.h"

enum {
	SPARE_MAX = 32,
	RETRY_US = 500 * 1000,
	PATIENCE_US = 1000 * 1000,
};

struct waiting {
	struct waiting_options options;
	pthread_t *ids; /* these three are the event loop's */
	int nthreads;
	int64_t try_us; /* not before that, after one could not be started */
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t changed;
	struct seat *first;
	struct seat **last; /* where the next one is hung up */
	int nqueued;
	int nidle; /* threads */
	struct seat *spare;
	int nspare;
	bool ending;
};

/* -- a thread's side -- */

/* With the lock held. */
static struct seat *
take_first(struct waiting *w)
{
	struct seat *seat = w->first;

	if (seat == NULL)
		return NULL;
	w->first = seat->next;
	if (w->first == NULL)
		w->last = &w->first;
	w->nqueued--;
	return seat;
}

/* With the lock held; false: there are enough. */
static bool
keep_spare(struct waiting *w, struct seat *seat)
{
	if (seat == NULL || w->nspare == SPARE_MAX)
		return false;
	seat->next = w->spare;
	w->spare = seat;
	w->nspare++;
	return true;
}

/* The next one, or NULL: there will be none.  `done` is the one before. */
static struct seat *
next_seat(struct waiting *w, struct seat *done)
{
	struct seat *seat;

	pthread_mutex_lock(&w->mutex);
	if (keep_spare(w, done))
		done = NULL;
	w->nidle++;
	while ((seat = take_first(w)) == NULL && !w->ending)
		pthread_cond_wait(&w->changed, &w->mutex);
	w->nidle--;
	pthread_mutex_unlock(&w->mutex);
	seat_free(done);
	return seat;
}

static bool
serve_one(struct waiting *w, struct seat *seat)
{
	return conn_read_rest(&seat->conn, seat->arena) &&
	       seat_answer(seat, w->options.service,
		   w->options.may_keep(w->options.ctx));
}

/* A second request that was received with it: of no web server that we know. */
static void
begin_next(struct waiting *w, struct seat *seat)
{
	seat_begin(seat, w->options.service);
	conn_begin(&seat->conn, seat->arena);
}

/* A web server is patient for PATIENCE_US: no need to ask before. */
static bool
has_waited_in_vain(const struct seat *seat)
{
	return clock_monotonic_us() - seat->conn.begun_us > PATIENCE_US &&
	       conn_is_abandoned(&seat->conn);
}

static void
serve(struct waiting *w, struct seat *seat)
{
	bool good = !has_waited_in_vain(seat) && serve_one(w, seat);

	while (good && conn_has_more(&seat->conn)) {
		begin_next(w, seat);
		good = serve_one(w, seat);
	}
	if (!good)
		conn_end(&seat->conn);
	arena_reset(seat->arena);
}

static void *
run(void *arg)
{
	struct waiting *w = arg;
	struct seat *seat = NULL;

	while ((seat = next_seat(w, seat)) != NULL) {
		serve(w, seat);
		w->options.give_back(w->options.ctx, seat);
	}
	return NULL;
}

/* -- the event loop's side -- */

static bool
add_thread(struct waiting *w)
{
	if (!thread_start(&w->ids[w->nthreads], run, w)) {
		w->try_us = clock_monotonic_us() + RETRY_US;
		return false;
	}
	w->nthreads++;
	return true;
}

static bool
may_add_thread(const struct waiting *w)
{
	return w->nthreads < w->options.threads &&
	       clock_monotonic_us() >= w->try_us;
}

struct waiting *
waiting_new(const struct waiting_options *options)
{
	struct waiting *w = calloc(1, sizeof(*w));

	assert(options->threads > 0);
	if (w == NULL)
		abort();
	w->options = *options;
	w->ids = calloc((size_t)options->threads, sizeof(*w->ids));
	w->last = &w->first;
	if (w->ids == NULL || pthread_mutex_init(&w->mutex, NULL) != 0 ||
	    pthread_cond_init(&w->changed, NULL) != 0)
		abort();
	if (add_thread(w))
		return w;
	waiting_free(w);
	return NULL;
}

void
waiting_free(struct waiting *w)
{
	struct seat *seat;

	pthread_mutex_lock(&w->mutex);
	w->ending = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->mutex);
	for (int i = 0; i < w->nthreads; i++)
		pthread_join(w->ids[i], NULL);
	assert(w->first == NULL);
	while ((seat = w->spare) != NULL) {
		w->spare = seat->next;
		seat_free(seat);
	}
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->mutex);
	free(w->ids);
	free(w);
}

struct seat *
waiting_push(struct waiting *w, struct seat *seat)
{
	struct seat *spare;
	bool crowded;

	seat->next = NULL;
	pthread_mutex_lock(&w->mutex);
	*w->last = seat;
	w->last = &seat->next;
	w->nqueued++;
	crowded = w->nqueued > w->nidle;
	spare = w->spare;
	if (spare != NULL) {
		w->spare = spare->next;
		w->nspare--;
	}
	pthread_mutex_unlock(&w->mutex);
	pthread_cond_signal(&w->changed);
	if (crowded && may_add_thread(w))
		add_thread(w);
	return spare != NULL ? spare : seat_new();
}

#include "fastcgi/waiting.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "fastcgi/application.h"
#include "fastcgi/conn.h"
#include "fastcgi/flow_queue.h"
#include "fastcgi/large_body.h"
#include "fastcgi/seat.h"
#include "fastcgi/thread.h"

enum {
	SPARE_MAX = 32,
	RETRY_US = 500 * 1000,
	/* After that long in the queue it pays to look who is still there. */
	PATIENCE_US = 20 * 1000,
	/* nginx waits for 30 s: what is begun then ends before that. */
	QUEUED_MAX_US = 15 * 1000 * 1000,
};

struct waiting {
	struct waiting_options options;
	pthread_t *ids; /* these three are the event loop's */
	int nthreads;
	int64_t try_us; /* not before that, after one could not be started */
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t changed;
	struct flow_queue *queue;
	int nidle; /* threads */
	struct seat *spare;
	int nspare;
	bool ending;
};

/* -- a thread's side -- */

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
	if (done != NULL)
		flow_queue_done(w->queue, done);
	if (keep_spare(w, done))
		done = NULL;
	w->nidle++;
	while ((seat = flow_queue_pop(w->queue)) == NULL && !w->ending)
		pthread_cond_wait(&w->changed, &w->mutex);
	w->nidle--;
	if (seat != NULL)
		metrics_gauge_add(GAUGE_THREAD_QUEUE, -1);
	pthread_mutex_unlock(&w->mutex);
	seat_free(done);
	return seat;
}

static bool
serve_one(struct waiting *w, struct seat *seat)
{
	return conn_read_rest(&seat->conn, seat->arena) &&
	       seat_answer(
		   seat, w->options.app, w->options.may_keep(w->options.ctx));
}

/* A second request that was received with it: of no web server that we know. */
static void
begin_next(struct waiting *w, struct seat *seat)
{
	seat_begin(seat, w->options.app);
	conn_begin(&seat->conn, seat->arena);
}

/* False: its client has left, and there is nothing to do for it. */
static bool
look_after_wait(struct seat *seat)
{
	int64_t us = clock_monotonic_us() - seat->conn.begun_us;

	if (us > QUEUED_MAX_US)
		seat_refuse(seat, ERR_UNAVAILABLE);
	return us <= PATIENCE_US || !conn_is_abandoned(&seat->conn);
}

static void
serve(struct waiting *w, struct seat *seat)
{
	bool good = look_after_wait(seat) && serve_one(w, seat);

	while (good && conn_has_more(&seat->conn)) {
		begin_next(w, seat);
		good = serve_one(w, seat);
	}
	if (!good)
		conn_end(&seat->conn);
	arena_reset(seat->arena);
	large_body_trim();
}

static void *
run(void *arg)
{
	struct waiting *w = arg;
	struct seat *seat = NULL;

	while ((seat = next_seat(w, seat)) != NULL) {
		metrics_observe(HISTOGRAM_THREAD_QUEUE,
		    clock_monotonic_us() - seat->queued_us);
		metrics_gauge_add(GAUGE_THREADS_BUSY, 1);
		serve(w, seat);
		metrics_gauge_add(GAUGE_THREADS_BUSY, -1);
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
	metrics_gauge_set(GAUGE_THREADS, w->nthreads);
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
	metrics_gauge_set(GAUGE_THREADS_MAX, options->threads);
	w->ids = calloc((size_t)options->threads, sizeof(*w->ids));
	w->queue = flow_queue_new(&(struct flow_queue_options){
	    .running_max = options->threads - options->threads / 4,
	    .flow_max = WAITING_FLOW_MAX,
	    .max = WAITING_MAX,
	});
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
	flow_queue_free(w->queue);
	while ((seat = w->spare) != NULL) {
		w->spare = seat->next;
		seat_free(seat);
	}
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->mutex);
	free(w->ids);
	free(w);
}

enum err
waiting_look(struct waiting *w, uint64_t flow)
{
	enum err e;

	pthread_mutex_lock(&w->mutex);
	e = flow_queue_look(w->queue, flow);
	pthread_mutex_unlock(&w->mutex);
	return e;
}

enum err
waiting_push(struct waiting *w, struct seat **seat)
{
	const struct application *app = w->options.app;
	uint64_t key = app->flow_key(app->ctx, (*seat)->request);
	struct seat *spare = NULL;
	bool crowded;
	enum err e;

	assert((*seat)->conn.head_read);
	(*seat)->queued_us = clock_monotonic_us();
	pthread_mutex_lock(&w->mutex);
	e = flow_queue_push(w->queue, key, *seat);
	if (e == ERR_OK)
		metrics_gauge_add(GAUGE_THREAD_QUEUE, 1);
	if (e == ERR_OK && w->spare != NULL) {
		spare = w->spare;
		w->spare = spare->next;
		w->nspare--;
	}
	crowded = flow_queue_ready(w->queue) > w->nidle;
	pthread_mutex_unlock(&w->mutex);
	if (e != ERR_OK)
		return e;
	pthread_cond_signal(&w->changed);
	if (crowded && may_add_thread(w))
		add_thread(w);
	*seat = spare != NULL ? spare : seat_new(app);
	return ERR_OK;
}

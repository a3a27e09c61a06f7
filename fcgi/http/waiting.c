#include "http/waiting.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "http/service.h"
#include "http/thread.h"

struct waiting {
	struct waiting_options options;
	pthread_t *ids;
	int nthreads;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t changed;
	struct seat *first;
	struct seat **last; /* where the next one is hung up */
	int nqueued;
	int nidle;
	bool ending;
};

struct seat *
seat_new(void)
{
	struct seat *seat = calloc(1, sizeof(*seat));

	if (seat == NULL)
		abort();
	seat->arena = arena_new();
	conn_init(&seat->conn);
	return seat;
}

void
seat_begin(struct seat *seat, const struct service *s)
{
	arena_reset(seat->arena);
	seat->source = conn_source(&seat->conn);
	seat->req = (struct req){
		.arena = seat->arena,
		.source = &seat->source,
		.app = s->app,
	};
}

void
seat_free(struct seat *seat)
{
	if (seat == NULL)
		return;
	arena_free(seat->arena);
	free(seat);
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
	return w;
}

/* -- a thread's side -- */

/* The next one, or NULL: there will be none. */
static struct seat *
take(struct waiting *w)
{
	struct seat *seat;

	pthread_mutex_lock(&w->mutex);
	w->nidle++;
	while (w->first == NULL && !w->ending)
		pthread_cond_wait(&w->changed, &w->mutex);
	w->nidle--;
	seat = w->first;
	if (seat != NULL) {
		w->first = seat->next;
		if (w->first == NULL)
			w->last = &w->first;
		w->nqueued--;
	}
	pthread_mutex_unlock(&w->mutex);
	return seat;
}

/* Whether the connection is still good for another request. */
static bool
answer(struct waiting *w, struct seat *seat)
{
	service_handle(w->options.service, &seat->req);
	conn_answer(&seat->conn, seat->arena, &seat->req);
	return conn_finish(&seat->conn, w->options.may_keep(w->options.ctx));
}

/* What was received with a request is another one: of no web server we know. */
static bool
begin_next(struct waiting *w, struct seat *seat)
{
	seat_begin(seat, w->options.service);
	return conn_read_params(&seat->conn, seat->arena);
}

static void
serve(struct waiting *w, struct seat *seat)
{
	bool good = !conn_is_abandoned(&seat->conn) &&
	            conn_read_rest(&seat->conn, seat->arena) && answer(w, seat);

	while (good && conn_has_more(&seat->conn))
		good = begin_next(w, seat) && answer(w, seat);
	if (!good)
		conn_close(&seat->conn);
}

static void *
run(void *arg)
{
	struct waiting *w = arg;
	struct seat *seat;

	while ((seat = take(w)) != NULL) {
		serve(w, seat);
		w->options.give_back(w->options.ctx, seat);
	}
	return NULL;
}

/* -- the event loop's side -- */

void
waiting_free(struct waiting *w)
{
	pthread_mutex_lock(&w->mutex);
	w->ending = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->mutex);
	for (int i = 0; i < w->nthreads; i++)
		pthread_join(w->ids[i], NULL);
	assert(w->first == NULL);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->mutex);
	free(w->ids);
	free(w);
}

/* With the lock held: whether somebody will come to it. */
static bool
find_thread(struct waiting *w)
{
	if (w->nidle > w->nqueued)
		return true;
	if (w->nthreads < w->options.threads &&
	    thread_start(&w->ids[w->nthreads], run, w))
		w->nthreads++;
	return w->nthreads > 0 && w->nqueued < w->options.queued;
}

bool
waiting_push(struct waiting *w, struct seat *seat)
{
	bool ok;

	pthread_mutex_lock(&w->mutex);
	ok = find_thread(w);
	if (ok) {
		seat->next = NULL;
		*w->last = seat;
		w->last = &seat->next;
		w->nqueued++;
		pthread_cond_signal(&w->changed);
	}
	pthread_mutex_unlock(&w->mutex);
	return ok;
}

#include "fastcgi/thread_pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "fastcgi/application.h"
#include "fastcgi/body_room.h"
#include "fastcgi/conn.h"
#include "fastcgi/flow_queue.h"
#include "fastcgi/log_events.h"
#include "fastcgi/request_context.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

enum {
#ifdef SANITIZED
	STACK_BYTES = 8 * 1024 * 1024,
#else
	STACK_BYTES = 256 * 1024,
#endif
};

enum {
	SPARE_MAX = 32,
	RETRY_US = 500 * 1000,
	/*
	 * If a request has waited for longer than this, check whether its
	 * client has disconnected.
	 */
	PATIENCE_US = 20 * 1000,
	/*
	 * A request that has waited for longer than this is refused.  nginx
	 * waits for 30 s for a response, so other requests still have time to
	 * be served.
	 */
	QUEUED_MAX_US = 15 * 1000 * 1000,
};

/*
 * A thread that has no request; the struct is on that thread's stack.  It waits
 * on a semaphore and not on a condition variable: a thread that returns from a
 * condition variable holds the mutex as if others waited for it, so that
 * unlocking it takes a system call.
 */
struct idle_thread {
	sem_t wake;
	struct idle_thread *next;
};

struct thread_pool {
	struct thread_pool_options options;
	pthread_t *ids; /* only the event loop uses ids, nthreads and try_us */
	int nthreads;
	int64_t try_us; /* after a failure, start no thread before that time */
	pthread_mutex_t mutex; /* protects the members below */
	struct flow_queue *queue;
	/*
	 * A stack of idle threads: the memory of the one that became idle last
	 * is still in the processor's caches.
	 */
	struct idle_thread *idle;
	int nidle; /* threads on the stack `idle`, or woken and not running yet
	            */
	struct request_context *spare;
	int nspare;
	bool ending;
};

bool
thread_start(pthread_t *ret_id, void *(*run)(void *arg), void *arg)
{
	pthread_attr_t attr;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	rc = pthread_create(ret_id, &attr, run, arg);
	pthread_attr_destroy(&attr);
	if (rc != 0)
		log_event(LOG_ERROR, EVENT_THREAD_START_FAILED,
		    LOG_TEXT("error", strerror(rc)));
	return rc == 0;
}

/* -- a thread's side -- */

/*
 * Keeps the context for a later request.  Returns false when `context` is NULL,
 * or SPARE_MAX contexts are kept already.  The caller holds the lock.
 */
static bool
keep_spare(struct thread_pool *p, struct request_context *context)
{
	if (context == NULL || p->nspare == SPARE_MAX)
		return false;
	context->next = p->spare;
	p->spare = context;
	p->nspare++;
	return true;
}

/*
 * Waits until the thread is woken, and releases the lock meanwhile.  The caller
 * holds the lock.
 */
static void
wait_idle(struct thread_pool *p, struct idle_thread *self)
{
	self->next = p->idle;
	p->idle = self;
	pthread_mutex_unlock(&p->mutex);
	while (sem_wait(&self->wake) != 0)
		assert(errno == EINTR);
	pthread_mutex_lock(&p->mutex);
}

/*
 * Waits for the next request and returns it; returns NULL when the pool is
 * ending.  `done` is the request that this thread has just served, or NULL.
 */
static struct request_context *
next_request(struct thread_pool *p, struct idle_thread *self,
    struct request_context *done)
{
	struct request_context *context;

	pthread_mutex_lock(&p->mutex);
	if (done != NULL)
		flow_queue_done(p->queue, done);
	if (keep_spare(p, done))
		done = NULL;
	p->nidle++;
	while ((context = flow_queue_pop(p->queue)) == NULL && !p->ending)
		wait_idle(p, self);
	p->nidle--;
	if (context != NULL)
		metrics_gauge_add(GAUGE_THREAD_QUEUE, -1);
	pthread_mutex_unlock(&p->mutex);
	request_context_free(done);
	return context;
}

static bool
serve_one(struct thread_pool *p, struct request_context *context)
{
	return conn_read_rest(&context->conn, context->arena) &&
	       request_context_answer(context, p->options.app,
		   p->options.may_keep(p->options.ctx));
}

/*
 * Begins the second of two requests that were received together.  nginx never
 * sends a request before it has the response to the previous one.
 */
static void
begin_next(struct thread_pool *p, struct request_context *context)
{
	request_context_begin(context, p->options.app);
	conn_begin(&context->conn, context->arena);
}

/*
 * Returns false when the client has disconnected.  Refuses a request that has
 * waited for too long.
 */
static bool
is_worth_serving(struct request_context *context)
{
	int64_t us = clock_monotonic_us() - context->conn.started_us;

	if (us > QUEUED_MAX_US)
		request_context_refuse(context, ERR_UNAVAILABLE);
	return us <= PATIENCE_US || !conn_is_abandoned(&context->conn);
}

static void
serve(struct thread_pool *p, struct request_context *context)
{
	bool good = is_worth_serving(context) && serve_one(p, context);

	while (good && conn_has_more(&context->conn)) {
		begin_next(p, context);
		good = serve_one(p, context);
	}
	if (!good)
		conn_end(&context->conn);
	arena_reset(context->arena);
	body_room_trim();
}

static void *
run(void *arg)
{
	struct thread_pool *p = arg;
	struct idle_thread self;
	struct request_context *context = NULL;

	if (sem_init(&self.wake, /* pshared= */ 0, /* value= */ 0) != 0)
		abort();
	while ((context = next_request(p, &self, context)) != NULL) {
		metrics_observe(HISTOGRAM_THREAD_QUEUE,
		    clock_monotonic_us() - context->queued_us);
		metrics_gauge_add(GAUGE_THREADS_BUSY, 1);
		serve(p, context);
		metrics_gauge_add(GAUGE_THREADS_BUSY, -1);
		p->options.give_back(p->options.ctx, context);
	}
	sem_destroy(&self.wake);
	return NULL;
}

/* -- the event loop's side -- */

static bool
add_thread(struct thread_pool *p)
{
	if (!thread_start(&p->ids[p->nthreads], run, p)) {
		p->try_us = clock_monotonic_us() + RETRY_US;
		return false;
	}
	p->nthreads++;
	metrics_gauge_set(GAUGE_THREADS, p->nthreads);
	return true;
}

static bool
may_add_thread(const struct thread_pool *p)
{
	return p->nthreads < p->options.threads &&
	       clock_monotonic_us() >= p->try_us;
}

/*
 * Returns an idle thread, which the caller must wake, or NULL.  The caller
 * holds the lock.
 */
static struct idle_thread *
pop_idle(struct thread_pool *p)
{
	struct idle_thread *t = p->idle;

	if (t != NULL)
		p->idle = t->next;
	return t;
}

struct thread_pool *
thread_pool_new(const struct thread_pool_options *options)
{
	struct thread_pool *p = calloc(1, sizeof(*p));

	assert(options->threads > 0);
	if (p == NULL)
		abort();
	p->options = *options;
	metrics_gauge_set(GAUGE_THREADS_MAX, options->threads);
	p->ids = calloc((size_t)options->threads, sizeof(*p->ids));
	p->queue = flow_queue_new(&(struct flow_queue_options){
	    .running_max = options->threads - options->threads / 4,
	    .flow_max = THREAD_POOL_FLOW_MAX,
	    .max = THREAD_POOL_QUEUE_MAX,
	});
	if (p->ids == NULL || pthread_mutex_init(&p->mutex, NULL) != 0)
		abort();
	if (add_thread(p))
		return p;
	thread_pool_free(p);
	return NULL;
}

void
thread_pool_free(struct thread_pool *p)
{
	struct request_context *context;
	struct idle_thread *idle;

	pthread_mutex_lock(&p->mutex);
	p->ending = true;
	while ((idle = pop_idle(p)) != NULL)
		sem_post(&idle->wake);
	pthread_mutex_unlock(&p->mutex);
	for (int i = 0; i < p->nthreads; i++)
		pthread_join(p->ids[i], NULL);
	flow_queue_free(p->queue);
	while ((context = p->spare) != NULL) {
		p->spare = context->next;
		request_context_free(context);
	}
	pthread_mutex_destroy(&p->mutex);
	free(p->ids);
	free(p);
}

enum err
thread_pool_check(struct thread_pool *p, uint64_t flow)
{
	enum err e;

	pthread_mutex_lock(&p->mutex);
	e = flow_queue_look(p->queue, flow);
	pthread_mutex_unlock(&p->mutex);
	return e;
}

enum err
thread_pool_push(struct thread_pool *p, struct request_context **context)
{
	const struct application *app = p->options.app;
	uint64_t key = app->flow_key(app->ctx, (*context)->request);
	struct request_context *spare = NULL;
	struct idle_thread *idle = NULL;
	bool crowded;
	enum err e;

	assert((*context)->conn.head_read);
	(*context)->queued_us = clock_monotonic_us();
	pthread_mutex_lock(&p->mutex);
	e = flow_queue_push(p->queue, key, *context);
	if (e == ERR_OK)
		metrics_gauge_add(GAUGE_THREAD_QUEUE, 1);
	if (e == ERR_OK && p->spare != NULL) {
		spare = p->spare;
		p->spare = spare->next;
		p->nspare--;
	}
	/*
	 * If the flow has all the threads that it may have, the request is not
	 * ready: the first of these threads that has served its request takes
	 * this one.
	 */
	if (e == ERR_OK && flow_queue_ready(p->queue) > 0)
		idle = pop_idle(p);
	crowded = flow_queue_ready(p->queue) > p->nidle;
	pthread_mutex_unlock(&p->mutex);
	if (e != ERR_OK)
		return e;
	if (idle != NULL)
		sem_post(&idle->wake);
	if (crowded && may_add_thread(p))
		add_thread(p);
	*context = spare != NULL ? spare : request_context_new(app);
	return ERR_OK;
}

/*
 * thread_pool: the threads that serve requests which have to wait, for example
 * for a database, so that the event loop need not wait.
 *
 * When a request arrives and no thread is idle, another thread is started, up
 * to a limit.  Threads end only with the process.  If no thread can be started,
 * the request waits for an existing one.  When there are more requests than
 * threads, requests queue, fairly (flow_queue.h) and within limits: a request
 * is refused when its user has THREAD_POOL_FLOW_MAX requests in the pool, when
 * there are THREAD_POOL_QUEUE_MAX in all, or when its turn does not come in
 * time.  A request whose client has disconnected before its turn is dropped.
 */
#ifndef FASTCGI_THREAD_POOL_H
#define FASTCGI_THREAD_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "fastcgi/connection_table.h"

struct application;
struct request_context;
struct thread_pool;

/*
 * The most requests in the pool, and the most of one user.  There are more
 * connections than that: the others are for requests that need no thread and
 * for requests that are refused, which are answered even when all threads hang.
 */
enum {
	THREAD_POOL_QUEUE_MAX = CONNECTIONS_MAX - 64,
	THREAD_POOL_FLOW_MAX = THREAD_POOL_QUEUE_MAX / 4 * 3,
};

struct thread_pool_options {
	const struct application *app;
	int threads; /* the most threads */
	/* Whether a connection may be kept after a response. */
	bool (*may_keep)(void *ctx);
	/* Called by a thread that has finished with the connection. */
	void (*give_back)(void *ctx, struct request_context *context);
	void *ctx;
};

/* Returns NULL when not even one thread can be started. */
struct thread_pool *thread_pool_new(const struct thread_pool_options *options);
/* Serves all queued requests, and ends the threads. */
void thread_pool_free(struct thread_pool *p);
/*
 * Queues a request whose parameters have been read, because they determine its
 * flow.  Takes its context, and leaves an empty context in exchange.
 * ERR_RATE_LIMITED: the user has too many requests in the pool.
 * ERR_UNAVAILABLE: there are too many requests in all.  After an error the
 * context still belongs to the caller.
 */
MUST_CHECK enum err
thread_pool_push(struct thread_pool *p, struct request_context **context);
/*
 * Returns what thread_pool_push() would return now for a request of this flow
 * (application.h).
 */
MUST_CHECK enum err thread_pool_check(struct thread_pool *p, uint64_t flow);

/*
 * Starts a thread with a small stack, for the pool and for other threads of a
 * process that serves.  Returns false, after logging, when none can be started
 * now.
 */
MUST_CHECK bool
thread_start(pthread_t *ret_id, void *(*run)(void *arg), void *arg);

#endif

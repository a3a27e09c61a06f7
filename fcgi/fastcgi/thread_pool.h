/*
 * thread_pool: the threads that serve requests which have to wait, for example
 * for a database, so that the event loop need not.
 *
 * A thread is started when a request finds none free, up to a limit, and none
 * ends before the process does.  If none can be started, the request waits for
 * an existing one.  More requests than threads queue, fairly (flow_queue.h) and
 * within limits: a request is refused when its user has THREAD_POOL_FLOW_MAX of
 * them, when there are THREAD_POOL_QUEUE_MAX in all, or when its turn does not
 * come in time.  A request whose client has disconnected before its turn is
 * dropped.
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
 * The other connections are for requests that need no thread, and for refused
 * ones: both are answered even when all threads hang.
 */
enum {
	THREAD_POOL_QUEUE_MAX = CONNECTIONS_MAX - 64,
	THREAD_POOL_FLOW_MAX = THREAD_POOL_QUEUE_MAX / 4 * 3,
};

struct thread_pool_options {
	const struct application *app;
	int threads; /* at most */
	/* Whether a connection may be kept after its response. */
	bool (*may_keep)(void *ctx);
	/* Called by a thread that has finished with the connection. */
	void (*give_back)(void *ctx, struct request_context *context);
	void *ctx;
};

/* NULL: not even one thread can be started. */
struct thread_pool *thread_pool_new(const struct thread_pool_options *options);
/* Serves all queued requests, and ends the threads. */
void thread_pool_free(struct thread_pool *p);
/*
 * Takes the context of a request whose parameters have been read, because they
 * determine its flow, and leaves an empty one in exchange. ERR_RATE_LIMITED:
 * its user has too many requests; ERR_UNAVAILABLE: there are too many in all;
 * then the context is not taken.
 */
MUST_CHECK enum err
thread_pool_push(struct thread_pool *p, struct request_context **context);
/*
 * The result that thread_pool_push() would have now for this flow
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

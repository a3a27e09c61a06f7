/*
 * flow_queue: the requests that wait for a thread, fair among users.
 *
 * A flow is the requests of one user (or, where no user is known, of one
 * network).  Flows take turns, and within a flow requests keep their order: a
 * user who sends a hundred slow requests only waits behind them.  One flow
 * never has more than `running_max` threads, so that others find some.  The
 * number of queued requests is limited, in all and for one flow.
 *
 * Not thread-safe: the owner has a lock.
 */
#ifndef FASTCGI_FLOW_QUEUE_H
#define FASTCGI_FLOW_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct flow_queue;
struct request_context;

struct flow_queue_options {
	int running_max; /* the most threads of one flow */
	int flow_max; /* the most requests of one flow, waiting or running */
	int max; /* the most requests of all flows */
};

struct flow_queue *flow_queue_new(const struct flow_queue_options *options);
/* The queue must be empty. */
void flow_queue_free(struct flow_queue *q);

/*
 * Appends a request to the flow with this key, and stores the flow in
 * context->flow. ERR_RATE_LIMITED: the flow is full.  ERR_UNAVAILABLE: the
 * queue is full.
 */
MUST_CHECK enum err flow_queue_push(
    struct flow_queue *q, uint64_t key, struct request_context *context);
/*
 * Returns what flow_queue_push() would return now, without queueing a request.
 */
MUST_CHECK enum err flow_queue_look(const struct flow_queue *q, uint64_t key);
/*
 * Removes and returns the next request of a flow that may have another thread;
 * NULL: there is none.
 */
struct request_context *flow_queue_pop(struct flow_queue *q);
/*
 * To be called when a request that flow_queue_pop() returned has been served.
 */
void flow_queue_done(struct flow_queue *q, struct request_context *context);
/*
 * How many requests flow_queue_pop() could return now before one of them is
 * done.
 */
int flow_queue_ready(const struct flow_queue *q);
bool flow_queue_is_empty(const struct flow_queue *q);

#endif

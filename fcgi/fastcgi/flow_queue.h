/*
 * flow_queue: requests that wait for a thread, fair among those who ask.
 *
 * A flow is what one user asks for (or, where no user is known, one network).
 * Flows take turns, and within a flow requests keep their order: a user who
 * sends a hundred slow requests waits behind them alone.  One flow never has
 * more than `running_max` threads, so that others find some.  The queue is
 * bounded, and so is what one flow may hold of it.
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
	int running_max; /* threads of one flow */
	int flow_max; /* requests of one flow, waiting and running */
	int max; /* requests of all flows */
};

struct flow_queue *flow_queue_new(const struct flow_queue_options *options);
/* Empty. */
void flow_queue_free(struct flow_queue *q);

/*
 * Appends a request to the flow of this key, and keeps the flow in
 * context->flow. ERR_RATE_LIMITED: the flow is full.  ERR_UNAVAILABLE: the
 * queue is.
 */
MUST_CHECK enum err flow_queue_push(
    struct flow_queue *q, uint64_t key, struct request_context *context);
/* What flow_queue_push() would return now. */
MUST_CHECK enum err flow_queue_look(const struct flow_queue *q, uint64_t key);
/* The next request whose flow may have a thread; NULL: there is none. */
struct request_context *flow_queue_pop(struct flow_queue *q);
/* The request that was popped is done. */
void flow_queue_done(struct flow_queue *q, struct request_context *context);
/* How many flow_queue_pop() would give now, were none done. */
int flow_queue_ready(const struct flow_queue *q);
bool flow_queue_is_empty(const struct flow_queue *q);

#endif

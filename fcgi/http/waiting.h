/*
 * waiting: requests that cannot be answered at once, and the threads that wait
 * with them, so that the event loop need not.
 *
 * The threads are started as they are needed, and none ends before the process
 * does.  If none can be started, those that are there take its turn.  What is
 * more than they can take queues; a request whose asker has closed the
 * connection by the time that its turn comes is let go.
 */
#ifndef HTTP_WAITING_H
#define HTTP_WAITING_H

#include <stdbool.h>

#include "base/attr.h"

struct seat;
struct service;
struct waiting;

struct waiting_options {
	const struct service *service;
	int threads; /* at most */
	/* Whether a connection may be kept after its answer. */
	bool (*may_keep)(void *ctx);
	/* Called by a thread that is done with the connection. */
	void (*give_back)(void *ctx, struct seat *seat);
	void *ctx;
};

/* NULL: not even one thread can be started. */
struct waiting *waiting_new(const struct waiting_options *options);
/* Lets the threads finish all that waits, and ends them. */
void waiting_free(struct waiting *w);
/*
 * Takes the seat of a request that conn_read_now() or conn_begin() has
 * begun, and returns an empty one in exchange.
 */
MUST_CHECK struct seat *waiting_push(struct waiting *w, struct seat *seat);

#endif

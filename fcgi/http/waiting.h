/*
 * waiting: requests that cannot be answered at once, and the threads that wait
 * with them, so that the event loop need not.
 *
 * The threads are started as they are needed.  What is more than they can take
 * queues, up to a bound; a request whose asker has given up by the time that
 * its turn comes is let go.
 */
#ifndef HTTP_WAITING_H
#define HTTP_WAITING_H

#include <stdbool.h>

#include "base/attr.h"
#include "http/conn.h"
#include "http/request.h"

struct arena;
struct service;
struct waiting;

/* A request with all that it needs, to be handed from one to another. */
struct seat {
	struct conn conn;
	struct arena *arena;
	struct req_source source;
	struct req req;
	void *place; /* the event loop's own */
	struct seat *next;
};

struct seat *seat_new(void);
/* Forgets the request that was there. */
void seat_begin(struct seat *seat, const struct service *s);
void seat_free(struct seat *seat); /* NULL is fine */

struct waiting_options {
	const struct service *service;
	int threads; /* at most */
	int queued; /* at most */
	/*
	 * Called by a thread when it has answered: the connection may get
	 * another request (conn.fd >= 0), or has been closed.  Takes the seat.
	 */
	void (*give_back)(void *ctx, struct seat *seat);
	/* Whether a connection may be kept after its answer. */
	bool (*may_keep)(void *ctx);
	void *ctx;
};

struct waiting *waiting_new(const struct waiting_options *options);
/* Lets the threads finish all that waits, and ends them. */
void waiting_free(struct waiting *w);
/*
 * Takes the seat: of a request that conn_read_now() has read, whole or in part.
 * False: it is full; the seat is still the caller's.  For one caller.
 */
MUST_CHECK bool waiting_push(struct waiting *w, struct seat *seat);

#endif

/*
 * waiting: requests that cannot be answered at once, and the threads that wait
 * with them, so that the event loop need not.
 *
 * The threads are started as they are needed, and none ends before the process
 * does.  If none can be started, those that are there take its turn.  What is
 * more than they can take queues, fairly (fastcgi/flow_queue.h) and not without
 * bound: a request is refused when its user has WAITING_FLOW_MAX of them, when
 * there are WAITING_MAX in all, or when its turn does not come in time.  One
 * whose client has closed the connection by then is dropped.
 */
#ifndef FASTCGI_WAITING_H
#define FASTCGI_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "fastcgi/links.h"

struct application;
struct seat;
struct waiting;

/*
 * The rest of the connections is for requests that need no thread: they are
 * answered, and what is too much is refused, also when all threads hang.
 */
enum {
	WAITING_MAX = LINKS_MAX - 64,
	WAITING_FLOW_MAX = WAITING_MAX / 4 * 3,
};

struct waiting_options {
	const struct application *app;
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
 * Takes the seat of a request whose parameters have been read, since its user
 * or network is its flow, and leaves an empty one in exchange.
 * ERR_RATE_LIMITED: its user has too many; ERR_UNAVAILABLE: there are too many;
 * the seat stays.
 */
MUST_CHECK enum err waiting_push(struct waiting *w, struct seat **seat);
/* What waiting_push() would return now for this flow (application.h). */
MUST_CHECK enum err waiting_look(struct waiting *w, uint64_t flow);

#endif

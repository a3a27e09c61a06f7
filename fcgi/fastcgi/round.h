/*
 * round: what the event loop does with the connections that have become
 * readable at the same time.
 *
 * It reads the requests, lets the application read what they need in one round
 * trip, answers those that need not wait, and gives the others to the thread
 * pool.  An incomplete request is stored with its connection.
 */
#ifndef FASTCGI_ROUND_H
#define FASTCGI_ROUND_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "fastcgi/application.h"

struct client_connection;
struct connection_table;
struct request_context;
struct thread_pool;

enum {
	ROUND_MAX = APPLICATION_ROUND_MAX,
	ROUND_BODY_SWEEP_MS = 250, /* while bodies are arriving */
	ROUND_PAUSED_MS = 5, /* while some of them have no room */
};

/*
 * The caller sets the first five members, and now_us at the beginning of each
 * round.
 */
struct round {
	const struct application *app;
	struct connection_table *table;
	struct thread_pool *pool;
	const atomic_bool *draining; /* connections are not kept any more */
	int64_t now_us;

	int64_t body_sweep_us;
	int64_t bodies_end_us; /* requests that are incomplete then are refused;
	                          0: none */
	int bodies_peak; /* since memory was returned to the system */
	/* The requests; the memory is kept from one round to the next. */
	struct request_context *contexts[ROUND_MAX];
	size_t n;
};

void round_release(struct round *r);
/*
 * Reads what has arrived on a connection of the loop; at most ROUND_MAX times.
 */
void round_receive(struct round *r, struct client_connection *client);
/* Answers the received requests, or gives them to the pool. */
void round_serve(struct round *r);
/*
 * Gives room to bodies that have none, and refuses the requests whose bodies
 * are late; to be called in each round, and at least at this interval.
 */
void round_sweep_bodies(struct round *r);

#endif

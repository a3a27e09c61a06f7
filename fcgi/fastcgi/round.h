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
	ROUND_BODY_SWEEP_MS =
	    250, /* how often bodies are checked while some are arriving */
	ROUND_PAUSED_MS = 5, /* how often paused bodies are given room */
};

/*
 * The caller sets the members up to now_us, and sets now_us again at the
 * beginning of each round.
 */
struct round {
	const struct application *app;
	struct connection_table *table;
	struct thread_pool *pool;
	const atomic_bool *draining; /* while draining, connections are not kept
	                                after a response */
	int64_t now_us;

	int64_t body_sweep_us;
	/*
	 * When this time comes, requests that are incomplete are refused; 0:
	 * never.
	 */
	int64_t bodies_end_us;
	/*
	 * The most bodies that were arriving at the same time since memory was
	 * last returned to the system.
	 */
	int bodies_peak;
	/*
	 * The received requests.  The memory is kept from one round to the
	 * next.
	 */
	struct request_context *contexts[ROUND_MAX];
	size_t n;
};

void round_release(struct round *r);
/*
 * Reads what has arrived on a connection that the event loop owns.  May be
 * called up to ROUND_MAX times in a round.
 */
void round_receive(struct round *r, struct client_connection *client);
/* Answers the received requests, or gives them to the thread pool. */
void round_serve(struct round *r);
/*
 * Gives room to paused bodies, and refuses the requests whose bodies are late.
 * To be called in each round of the event loop, which must therefore wait for
 * events no longer than ROUND_BODY_SWEEP_MS (or ROUND_PAUSED_MS).
 */
void round_sweep_bodies(struct round *r);

#endif

/*
 * round_state: the state of a round (round.h), and the ways in which a request
 * leaves it without a handler: stored with its connection, refused, or ended.
 */
#ifndef FASTCGI_ROUND_STATE_H
#define FASTCGI_ROUND_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
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
	 * The received requests.  The memory is kept from one round to the
	 * next.
	 */
	struct request_context *contexts[ROUND_MAX];
	size_t n;
};

/* Whether connections are kept after a response. */
bool round_may_keep(const struct round *r);
/*
 * Stores the context with its connection until the rest of the request arrives.
 */
void round_park(struct request_context **context);
/*
 * Moves the context that is stored in the connection into the round, and frees
 * the unused one there.
 */
void round_take_parked(
    struct client_connection *client, struct request_context **place);
/*
 * Closes a connection whose request cannot be answered: the web server has
 * disconnected, or the bytes that it sent are not FastCGI.
 */
void round_end_request(struct round *r, struct request_context **context);
/*
 * Answers a request with an error.  The response does not wait for the rest of
 * the body, which is skipped when it arrives.  The connection stays open for
 * that: otherwise nginx might fail to send the body before it has read the
 * response, and answer 502 by itself.
 */
void round_refuse(
    struct round *r, struct request_context **context, bool whole, enum err e);

#endif

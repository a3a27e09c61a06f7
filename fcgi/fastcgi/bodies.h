/*
 * bodies: requests whose parameters have arrived and whose body has not arrived
 * completely.
 *
 * They occupy a connection, and room for the body (body_room.h), while the
 * client decides when the rest arrives.  Three rules keep clients that send
 * slowly on purpose from keeping others out:
 *   - a body has a time limit: `timeout_us`, and a second more for each
 *     BODIES_RATE_BYTES that have arrived;
 *   - at most BODIES_MAX connections of a process wait for bodies.  When there
 *     are that many, one of them is closed in favour of the next connection;
 *   - a body for which there is no room is not received (nginx keeps some of
 *     it) until another body gives its room back, because it is complete and
 *     answered, or because it is slow and is dropped.
 */
#ifndef FASTCGI_BODIES_H
#define FASTCGI_BODIES_H

#include <stdbool.h>
#include <stdint.h>

#include "fastcgi/body_room.h"
#include "fastcgi/connection_table.h"

enum {
	BODIES_MAX = CONNECTIONS_MAX / 2,
	/*
	 * For each BODIES_RATE_BYTES that have arrived, a body may take one
	 * second more.
	 */
	BODIES_RATE_BYTES = 16 * 1024,
	/*
	 * Beyond the bytes that are kept, the most bytes of a body that are
	 * read and discarded before the request is refused.  nginx accepts
	 * bodies of at most 1 MiB.
	 */
	BODIES_SKIP_BYTES = 4 * 1024 * 1024,
	/*
	 * Every body may take this long, however slow it is: most bodies arrive
	 * within this time.
	 */
	BODIES_PATIENCE_US = 2 * 1000 * 1000,
	/*
	 * A body counts as slow, and can lose its room, when it has taken
	 * longer than BODIES_PATIENCE_US and a second for each
	 * BODIES_QUICK_BYTES that have arrived.
	 */
	BODIES_QUICK_BYTES = 64 * 1024,
	/*
	 * The longest time that a body waits for room.  nginx gives up after 10
	 * s (fastcgi_send_timeout).
	 */
	BODIES_PAUSE_US = 8 * 1000 * 1000,
};

/*
 * Whether more than BODIES_SKIP_BYTES of the body would have to be discarded.
 */
bool bodies_is_endless(const struct client_connection *client);
/* Whether the body's time limit has passed. */
bool bodies_is_late(
    const struct client_connection *client, int64_t timeout_us, int64_t now_us);

/*
 * Whether bodies of the same class (body_room.h) already wait for room, so that
 * this body must wait behind them.
 */
bool bodies_must_queue(
    struct connection_table *t, const struct client_connection *client);
/* Whether the body has waited for room for too long. */
bool
bodies_is_paused_long(const struct client_connection *client, int64_t now_us);

/*
 * Returns the connection that is closed in favour of `newcomer`: of the flow
 * (application.h) with the most connections that wait for bodies, the one that
 * has waited longest.  If that is less than BODIES_PATIENCE_US, it is closed
 * only if its flow has more than BODIES_MAX / 64 connections, and at least
 * twice as many as the newcomer's flow: so a large number of new connections
 * closes none of a flow that has few.  NULL: the newcomer must be refused.
 */
struct client_connection *bodies_find_connection(struct connection_table *t,
    const struct client_connection *newcomer, int64_t now_us);
/*
 * Returns the body that is dropped so that the newcomer's body, of the same
 * class, gets its room: a slow body (BODIES_QUICK_BYTES) of the flow whose
 * bodies have the most room.  NULL: no body of this class is slow.
 */
struct client_connection *bodies_find_room(struct connection_table *t,
    const struct client_connection *newcomer, int64_t now_us);
/*
 * Returns the paused body of that class that gets room next: the oldest one of
 * the flow whose bodies have the least room.  NULL: no body of that class is
 * paused.
 */
struct client_connection *
bodies_find_paused(struct connection_table *t, enum body_class class);

#endif

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
 *     are that many, one of them is closed in favour of the next;
 *   - a body for which there is no room is not received (nginx keeps some of
 *     it) until another one is done, or is dropped because it is slow.
 */
#ifndef FASTCGI_BODIES_H
#define FASTCGI_BODIES_H

#include <stdbool.h>
#include <stdint.h>

#include "fastcgi/body_room.h"
#include "fastcgi/connection_table.h"

enum {
	BODIES_MAX = CONNECTIONS_MAX / 2,
	BODIES_RATE_BYTES = 16 * 1024, /* in a second */
	/*
	 * The most bytes of an unwanted body that are skipped; nginx accepts at
	 * most 1 MiB.
	 */
	BODIES_SKIP_BYTES = 4 * 1024 * 1024,
	/*
	 * Every body may take this long: a normal one has mostly arrived by
	 * then.
	 */
	BODIES_PATIENCE_US = 2 * 1000 * 1000,
	/*
	 * A large body has one more second for each of these that has arrived.
	 */
	BODIES_QUICK_BYTES = 64 * 1024,
	/*
	 * The longest time without room.  nginx gives up after 10 s
	 * (fastcgi_send_timeout).
	 */
	BODIES_PAUSE_US = 8 * 1000 * 1000,
};

/* Whether the body is longer than what is worth skipping. */
bool bodies_is_endless(const struct client_connection *client);
/* Whether the body's time limit has passed. */
bool bodies_is_late(
    const struct client_connection *client, int64_t timeout_us, int64_t now_us);

/* Whether other bodies wait for the room that this one needs. */
bool bodies_must_queue(
    struct connection_table *t, const struct client_connection *client);
/* Whether the body has waited for room for too long. */
bool
bodies_is_paused_long(const struct client_connection *client, int64_t now_us);

/*
 * The connection that is closed in favour of `newcomer`: the oldest of the flow
 * (application.h) that has most of them.  It must have had BODIES_PATIENCE_US,
 * unless its flow has more than a share, and twice as many as the newcomer's:
 * so new connections, however many, take none from flows that have few.  NULL:
 * the newcomer must be refused.
 */
struct client_connection *bodies_find_connection(struct connection_table *t,
    const struct client_connection *newcomer, int64_t now_us);
/*
 * The body that is dropped so that one of the same class gets room.  It must
 * have had BODIES_PATIENCE_US, and have been slower since than
 * BODIES_QUICK_BYTES in a second.
 */
struct client_connection *bodies_find_room(struct connection_table *t,
    const struct client_connection *newcomer, int64_t now_us);
/*
 * The paused body of that class that gets room next: the oldest of the flow
 * that has least.  NULL: there is none.
 */
struct client_connection *
bodies_find_paused(struct connection_table *t, enum body_class class);

#endif

/*
 * bodies: requests whose parameters are here and whose body is on its way.
 *
 * They hold a connection, and room for the body (body_room.h), while the client
 * decides when the rest comes.  So that clients who send slowly on purpose
 * cannot keep others out:
 *   - a body has a total time: `timeout_us`, and a second more for each
 *     BODIES_RATE_BYTES that have come;
 *   - at most BODIES_MAX connections of a process wait for bodies.  When there
 *     are so many, one of them gives way to the next;
 *   - a body for which there is no room is not received (nginx holds some of
 * it) until another one is done, or gives way because it is slow.
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
	/* Of what is not kept; nginx takes 1 MiB of a body at most. */
	BODIES_SKIP_BYTES = 4 * 1024 * 1024,
	/* What a body may always take: an honest one is mostly here by then. */
	BODIES_PATIENCE_US = 2 * 1000 * 1000,
	/* A large one has a second more for each of these that has come. */
	BODIES_QUICK_BYTES = 64 * 1024,
	/* Without room.  nginx gives up after 10 s (fastcgi_send_timeout). */
	BODIES_PAUSE_US = 8 * 1000 * 1000,
};

/* Whether its body is longer than is worth skipping. */
bool bodies_is_endless(const struct client_connection *client);
/* Whether its time is over. */
bool bodies_is_late(
    const struct client_connection *client, int64_t timeout_us, int64_t now_us);

/* Whether others wait for the room that it needs. */
bool bodies_must_queue(
    struct connection_table *t, const struct client_connection *client);
/* Whether it has waited for room for too long. */
bool
bodies_is_paused_long(const struct client_connection *client, int64_t now_us);

/*
 * The one that gives its connection to `newcomer`: the oldest of the flow
 * (application.h) that has most of them.  It must have had BODIES_PATIENCE_US,
 * unless its flow has more than a share, and twice as many as the newcomer's:
 * then new ones, however many, take none from flows that have few.  NULL: the
 * newcomer has to be refused.
 */
struct client_connection *bodies_find_connection(struct connection_table *t,
    const struct client_connection *newcomer, int64_t now_us);
/*
 * Likewise room for a body of the same class.  It must have had
 * BODIES_PATIENCE_US, and been slower since than BODIES_QUICK_BYTES in a
 * second.
 */
struct client_connection *bodies_find_room(struct connection_table *t,
    const struct client_connection *newcomer, int64_t now_us);
/*
 * The paused one of that class that is to have room next: the oldest of the
 * flow that has least.  NULL: there is none.
 */
struct client_connection *
bodies_find_paused(struct connection_table *t, enum body_class class);

#endif

/*
 * bodies: requests whose parameters are here and whose body is on its way.
 *
 * They hold a connection, and memory for what has come (body_buffer.h), while
 * the client decides when the rest comes.  So that clients who send slowly on
 * purpose cannot keep others out:
 *   - a body has a total time: `timeout_us`, and a second more for each
 *     BODIES_RATE_BYTES that have come;
 *   - at most BODIES_MAX connections of a process wait for bodies.  When that
 * is reached, or the memory is used up, one of them gives way to the next.
 */
#ifndef FASTCGI_BODIES_H
#define FASTCGI_BODIES_H

#include <stdbool.h>
#include <stdint.h>

#include "fastcgi/connection_table.h"

enum {
	BODIES_MAX = CONNECTIONS_MAX / 2,
	BODIES_RATE_BYTES = 16 * 1024, /* in a second */
	/* Of what is not kept; nginx takes 1 MiB of a body at most. */
	BODIES_SKIP_BYTES = 4 * 1024 * 1024,
	/* What a body may always take: an honest one is mostly here by then. */
	BODIES_PATIENCE_US = 2 * 1000 * 1000,
};

/* Whether its body is longer than is worth skipping. */
bool bodies_is_endless(const struct client_connection *client);
/* Whether its time is over. */
bool bodies_is_late(
    const struct client_connection *client, int64_t timeout_us, int64_t now_us);

/*
 * The one that gives way to `newcomer`, which need not be among them: the
 * oldest of the flow (application.h) that has most of the connections, or of
 * the memory. It must have had BODIES_PATIENCE_US, unless its flow has more
 * than a share and twice as much as the newcomer's: then new ones, however
 * many, take no room from flows that have little.  NULL: the newcomer has to be
 * refused.
 */
struct client_connection *bodies_find_connection(struct connection_table *t,
    const struct client_connection *newcomer, int64_t now_us);
struct client_connection *bodies_find_memory(struct connection_table *t,
    const struct client_connection *newcomer, int64_t now_us);

#endif

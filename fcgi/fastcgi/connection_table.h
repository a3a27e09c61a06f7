/*
 * connection_table: the connections of a worker process and their owners.
 *
 * A connection belongs to the event loop, which waits for its next request or
 * its end, or to a worker thread, which answers one request and gives the
 * connection back.  Only the loop watches and closes connections, so that
 * neither uses a descriptor that the other has closed.
 */
#ifndef FASTCGI_CONNECTION_TABLE_H
#define FASTCGI_CONNECTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

enum { CONNECTIONS_MAX = 512 };

enum connection_state {
	CONNECTION_FREE, /* a place in the table */
	CONNECTION_OF_LOOP,
	CONNECTION_OF_THREAD,
	/*
	 * Of a thread, and the loop has stopped watching it, because something
	 * has happened on it.  The thread that gives it back wakes the loop.
	 */
	CONNECTION_REARM_PENDING,
};

struct request_context;

struct client_connection {
	_Atomic int state;
	int fd;
	/* What follows is the loop's alone but for `closing` and since_us. */
	bool watched;
	bool closing; /* shut by us: what it still holds is no request */
	bool used; /* has had a request */
	bool answered; /* before all of its request had come: skip the rest */
	struct request_context *context; /* of a request that comes in parts */
	bool body; /* its body is what is missing */
	bool paused; /* and is not received, because it has no room */
	size_t body_bytes; /* the most that is kept of it: its room */
	int64_t body_us; /* when it got that room */
	uint64_t flow; /* of application.h, when it waits for a body */
	int64_t since_us; /* when its last request began or ended */
};

struct connection_table {
	int epoll_fd;
	int wake_fd; /* an eventfd: a CONNECTION_REARM_PENDING is back */
	int count; /* in any state but CONNECTION_FREE */
	int bodies; /* of these, how many wait for a body */
	int paused; /* of these, how many have no room for it */
	struct client_connection connections[CONNECTIONS_MAX];
};

/*
 * The events of a connection have it as their data.ptr, those of wake_fd the
 * address of wake_fd.
 */
MUST_CHECK bool connection_table_init(struct connection_table *t, int epoll_fd);
void connection_table_release(struct connection_table *t);

/* NULL: there are CONNECTIONS_MAX. */
struct client_connection *
connection_table_find_free(struct connection_table *t);
/* Takes the socket over, or closes it if it cannot be watched. */
void connection_open(
    struct connection_table *t, struct client_connection *client, int fd);
void
connection_close(struct connection_table *t, struct client_connection *client);

/* To a thread. */
void connection_lend(struct client_connection *client);
/* By the loop, when no thread has taken it after all. */
void connection_take_back(struct client_connection *client);
/* By the thread: for another request or, when it is closing, for its end. */
void connection_give_back(
    struct connection_table *t, struct client_connection *client, bool closing);

/*
 * The request whose context is parked in the connection waits for its body from
 * now on, or does not.  Either may be so already.
 */
void connection_await_body(
    struct connection_table *t, struct client_connection *client);
void connection_await_no_body(
    struct connection_table *t, struct client_connection *client);

/*
 * Of a connection whose body is awaited: only its end is an event, until it is
 * resumed.  Resuming what is not paused does nothing.
 */
void
connection_pause(struct connection_table *t, struct client_connection *client);
void
connection_resume(struct connection_table *t, struct client_connection *client);

/*
 * After an event.  False: a thread has it, and the loop will be told again when
 * it is back.
 */
MUST_CHECK bool connection_is_of_loop(
    struct connection_table *t, struct client_connection *client);
/* After an event of wake_fd. */
void connection_table_rearm(struct connection_table *t);

/*
 * Closes the connections of the loop on which nothing has come for too long:
 * 5 s for a first request, or for the rest of one that has begun, 75 s for
 * another, which is longer than nginx keeps its side.
 */
void connection_table_close_idle(struct connection_table *t, int64_t now_us);
/*
 * Shuts the reading side of the loop's connections, except where a request or
 * its rest is on its way.
 */
void connection_table_shut_idle(struct connection_table *t);

#endif

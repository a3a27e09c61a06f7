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
	CONNECTION_FREE, /* a free entry of the table */
	CONNECTION_OF_LOOP,
	CONNECTION_OF_THREAD,
	/*
	 * Owned by a thread, and the loop has stopped watching it, because
	 * something has happened on it.  The thread that gives it back wakes
	 * the loop.
	 */
	CONNECTION_REARM_PENDING,
};

struct request_context;

struct client_connection {
	_Atomic int state;
	int fd;
	/*
	 * Only the loop uses the members below, except `closing` and since_us.
	 */
	bool watched;
	bool closing; /* shut by the loop: unread data on it is not a request */
	bool used; /* has had at least one request */
	/*
	 * The request was answered before it had arrived completely, so the
	 * rest of it is skipped.
	 */
	bool answered;
	/* The context of a request that arrives in parts; otherwise NULL. */
	struct request_context *context;
	bool body; /* the parameters have arrived, but not the whole body */
	bool paused; /* the body is not received, because it has no room */
	size_t body_bytes; /* how many bytes of the body are kept at most: the
	                      room that it takes */
	int64_t body_us; /* when the body got its room */
	uint64_t
	    flow; /* the flow_key() of the request whose body is incomplete */
	int64_t since_us; /* when the last request began or ended */
};

struct connection_table {
	int epoll_fd;
	/*
	 * An eventfd: a thread has given back a connection in the state
	 * CONNECTION_REARM_PENDING.
	 */
	int wake_fd;
	int count; /* number of connections in any state but CONNECTION_FREE */
	int bodies; /* number of connections that wait for a body */
	/* the most of them since memory was last returned to the system */
	int bodies_peak;
	int paused; /* number of connections whose body waits for room */
	struct client_connection connections[CONNECTIONS_MAX];
};

/*
 * In the epoll events, data.ptr is the struct client_connection or, for
 * wake_fd, the address of t->wake_fd.
 */
MUST_CHECK bool connection_table_init(struct connection_table *t, int epoll_fd);
void connection_table_release(struct connection_table *t);

/*
 * Returns a free entry of the table; NULL: there are already CONNECTIONS_MAX
 * connections.
 */
struct client_connection *
connection_table_find_free(struct connection_table *t);
/* Takes ownership of the socket, or closes it if it cannot be watched. */
void connection_open(
    struct connection_table *t, struct client_connection *client, int fd);
void
connection_close(struct connection_table *t, struct client_connection *client);

/* Hands the connection over to a thread. */
void connection_lend(struct client_connection *client);
/* Called by the loop when no thread has taken the connection that was lent. */
void connection_take_back(struct client_connection *client);
/*
 * Called by the thread: the connection waits for another request or, when it is
 * closing, is ended.
 */
void connection_give_back(
    struct connection_table *t, struct client_connection *client, bool closing);

/*
 * Notes that the request whose context is stored in the connection begins, or
 * ceases, to wait for its body.  A repeated call changes nothing.
 */
void connection_await_body(
    struct connection_table *t, struct client_connection *client);
void connection_await_no_body(
    struct connection_table *t, struct client_connection *client);

/*
 * For a connection that waits for a body.  While it is paused, nothing is
 * received, and only the end of the connection is an event.  Resuming a
 * connection that is not paused does nothing.
 */
void
connection_pause(struct connection_table *t, struct client_connection *client);
void
connection_resume(struct connection_table *t, struct client_connection *client);

/*
 * To be called after an event on the connection.  Returns false when a thread
 * owns the connection: the loop will be notified again when it is given back.
 */
MUST_CHECK bool connection_is_of_loop(
    struct connection_table *t, struct client_connection *client);
/*
 * To be called after an event of wake_fd: watches the connections that were
 * given back.
 */
void connection_table_rearm(struct connection_table *t);

/*
 * Closes the loop's connections on which nothing has arrived for too long: 5 s
 * for a first request, or for the rest of one that has begun; 75 s for another
 * request, which is longer than nginx keeps its side.
 */
void connection_table_close_idle(struct connection_table *t, int64_t now_us);
/*
 * Shuts the reading side of the loop's connections, except where a request or
 * its rest is arriving.
 */
void connection_table_shut_idle(struct connection_table *t);

#endif

#include "fastcgi/connection_table.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "fastcgi/request_context.h"

enum {
	/*
	 * The time limit for a new connection's first request, and for the rest
	 * of a request's parameters: nginx has all of them when it connects.
	 */
	REQUEST_PART_US = 5 * 1000 * 1000,
	IDLE_US = 75 * 1000 *
	          1000, /* longer than nginx's keepalive_timeout of 60 s */
};

static bool
watch(struct connection_table *t, int fd, void *what)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = what };

	return epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0;
}

bool
connection_table_init(struct connection_table *t, int epoll_fd)
{
	t->epoll_fd = epoll_fd;
	t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return t->wake_fd >= 0 && watch(t, t->wake_fd, &t->wake_fd);
}

void
connection_table_release(struct connection_table *t)
{
	assert(t->count == 0);
	close(t->wake_fd);
}

struct client_connection *
connection_table_find_free(struct connection_table *t)
{
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		if (atomic_load(&t->connections[i].state) == CONNECTION_FREE)
			return &t->connections[i];
	}
	return NULL;
}

void
connection_open(
    struct connection_table *t, struct client_connection *client, int fd)
{
	client->fd = fd;
	client->watched = true;
	client->closing = false;
	client->used = false;
	client->answered = false;
	client->body = client->paused = false;
	client->context = NULL;
	client->since_us = clock_monotonic_us();
	if (!watch(t, fd, client)) {
		close(fd);
		return;
	}
	atomic_store(&client->state, CONNECTION_OF_LOOP);
	t->count++;
	metrics_gauge_add(GAUGE_CONNECTIONS_IDLE, 1);
}

void
connection_close(struct connection_table *t, struct client_connection *client)
{
	connection_await_no_body(t, client);
	close(client->fd);
	request_context_free(client->context);
	client->context = NULL;
	atomic_store(&client->state, CONNECTION_FREE);
	t->count--;
	metrics_gauge_add(GAUGE_CONNECTIONS_IDLE, -1);
}

static void
change_watch(struct connection_table *t, struct client_connection *client,
    uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = client };
	int rc = epoll_ctl(t->epoll_fd, EPOLL_CTL_MOD, client->fd, &e);

	assert(rc == 0); /* nothing has to be allocated, so this cannot fail */
}

void
connection_pause(struct connection_table *t, struct client_connection *client)
{
	assert(client->body && !client->paused);
	change_watch(t, client, 0);
	client->paused = true;
	t->paused++;
}

void
connection_resume(struct connection_table *t, struct client_connection *client)
{
	if (!client->paused)
		return;
	change_watch(t, client, EPOLLIN);
	client->paused = false;
	t->paused--;
}

void
connection_await_body(
    struct connection_table *t, struct client_connection *client)
{
	assert(client->context != NULL);
	if (client->body)
		return;
	client->body = true;
	t->bodies++;
	if (t->bodies > t->bodies_peak)
		t->bodies_peak = t->bodies;
	metrics_gauge_add(GAUGE_CONNECTIONS_IDLE, -1);
	metrics_gauge_add(GAUGE_CONNECTIONS_BODY, 1);
}

void
connection_await_no_body(
    struct connection_table *t, struct client_connection *client)
{
	if (!client->body)
		return;
	connection_resume(t, client);
	client->body = false;
	t->bodies--;
	metrics_gauge_add(GAUGE_CONNECTIONS_BODY, -1);
	metrics_gauge_add(GAUGE_CONNECTIONS_IDLE, 1);
}

void
connection_lend(struct client_connection *client)
{
	metrics_gauge_add(GAUGE_CONNECTIONS_IDLE, -1);
	metrics_gauge_add(GAUGE_CONNECTIONS_BUSY, 1);
	atomic_store(&client->state, CONNECTION_OF_THREAD);
}

void
connection_take_back(struct client_connection *client)
{
	metrics_gauge_add(GAUGE_CONNECTIONS_BUSY, -1);
	metrics_gauge_add(GAUGE_CONNECTIONS_IDLE, 1);
	atomic_store(&client->state, CONNECTION_OF_LOOP);
}

void
connection_give_back(
    struct connection_table *t, struct client_connection *client, bool closing)
{
	ssize_t n = 0;

	metrics_gauge_add(GAUGE_CONNECTIONS_BUSY, -1);
	metrics_gauge_add(GAUGE_CONNECTIONS_IDLE, 1);
	client->closing = closing;
	client->since_us = clock_monotonic_us();
	if (atomic_exchange(&client->state, CONNECTION_OF_LOOP) ==
	    CONNECTION_REARM_PENDING)
		n = write(t->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t));
	assert(n >= 0);
}

static void
watch_again(struct connection_table *t, struct client_connection *client)
{
	change_watch(t, client, EPOLLIN);
	client->watched = true;
}

/*
 * Handles an event on a connection that a thread owns: the connection has
 * ended, or its next request has arrived before the thread has given it back.
 * Because that is rare, the loop goes on watching connections that it lends to
 * threads, and stops only here, until the connection is given back.
 * EPOLLONESHOT limits EPOLLHUP, which cannot be switched off, to one report.
 */
static void
stop_watching(struct connection_table *t, struct client_connection *client)
{
	int state = CONNECTION_OF_THREAD;

	if (client->watched)
		change_watch(t, client, EPOLLONESHOT);
	client->watched = false;
	atomic_compare_exchange_strong(
	    &client->state, &state, CONNECTION_REARM_PENDING);
	if (state == CONNECTION_OF_LOOP)
		watch_again(t, client); /* the thread has just given it back */
}

bool
connection_is_of_loop(
    struct connection_table *t, struct client_connection *client)
{
	if (atomic_load(&client->state) == CONNECTION_OF_LOOP &&
	    client->watched)
		return true;
	stop_watching(t, client);
	return false;
}

void
connection_table_rearm(struct connection_table *t)
{
	uint64_t n;

	if (read(t->wake_fd, &n, sizeof(n)) < 0)
		return;
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		struct client_connection *client = &t->connections[i];

		if (atomic_load(&client->state) == CONNECTION_OF_LOOP &&
		    !client->watched)
			watch_again(t, client);
	}
}

static bool
is_idle(const struct client_connection *client, int64_t now_us)
{
	int64_t limit_us = IDLE_US;

	if (client->body)
		return false; /* bodies.h has a time limit for bodies */
	if (!client->used || client->answered || client->context != NULL)
		limit_us = REQUEST_PART_US;
	return now_us - client->since_us > limit_us;
}

void
connection_table_close_idle(struct connection_table *t, int64_t now_us)
{
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		struct client_connection *client = &t->connections[i];

		if (atomic_load(&client->state) == CONNECTION_OF_LOOP &&
		    is_idle(client, now_us))
			connection_close(t, client);
	}
}

/*
 * Whether a request has begun to arrive that was not read yet. nginx sends the
 * body of a request after its head: a connection that is shut in between would
 * fail a request that nginx must not repeat.
 */
static bool
has_arrived(int fd)
{
	char byte;

	return recv(fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) > 0;
}

void
connection_table_shut_idle(struct connection_table *t)
{
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		struct client_connection *client = &t->connections[i];

		if (atomic_load(&client->state) == CONNECTION_OF_LOOP &&
		    client->context == NULL && !client->answered &&
		    !has_arrived(client->fd))
			shutdown(client->fd, SHUT_RD);
	}
}

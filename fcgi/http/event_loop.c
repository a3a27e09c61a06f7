#include "http/event_loop.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "http/conn.h"
#include "http/request.h"
#include "http/seat.h"
#include "http/service.h"
#include "http/waiting.h"
#include "server/listen.h"
#include "server/master.h"

enum {
	ROUND_MAX = SERVICE_PREFETCH_MAX,
	ACCEPT_MAX = 8, /* in a round */
	LINKS_MAX = 512, /* more connections stay in the kernel's queue */
	FIRST_REQUEST_US = 5 * 1000 * 1000,
	IDLE_US = 75 * 1000 * 1000, /* nginx: keepalive_timeout 60s */
	SWEEP_MS = 2500,
	SHORTAGE_MS = 50,
	GRACE_US = 200 * 1000,
	WAKE_MS = 20,
};

enum link_state {
	LINK_NONE,
	LINK_HERE, /* the loop has it, and waits for its next request */
	LINK_AWAY, /* a thread has it */
	LINK_MISSED, /* the same, and something has happened on it */
};

/* A connection.  It belongs to who its state says. */
struct link {
	_Atomic int state;
	int fd; /* the loop's to close */
	bool watched; /* the loop's: for its next request, or its end */
	bool over; /* ended by us: whatever is left in it is no request */
	bool used; /* has had a request */
	int64_t since_us; /* of its last one, or of its beginning */
};

struct loop {
	const struct service *service;
	struct waiting *waiting;
	int epoll_fd;
	int listen_fd; /* closed when draining */
	int signal_fd;
	int wake_fd; /* an eventfd: see watch_missed() */
	bool listening; /* the loop waits for it */
	int64_t listen_us; /* when not: until then */
	int64_t now_us; /* of this round */
	int64_t sweep_us;
	int64_t shut_us; /* what is idle then, when draining */
	atomic_bool draining;
	struct link links[LINKS_MAX];
	int nlinks; /* in any state but LINK_NONE */

	/* This round's requests; seats are kept from one to the next. */
	struct seat *seats[ROUND_MAX];
	size_t n;
};

static bool
watch(struct loop *l, int fd, void *what, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = what };

	return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0;
}

/* -- connections -- */

static void
begin_link(struct loop *l, struct link *link, int fd)
{
	link->fd = fd;
	link->watched = true;
	link->over = false;
	link->used = false;
	link->since_us = clock_monotonic_us();
	if (!watch(l, fd, link, EPOLLIN)) {
		close(fd);
		return;
	}
	atomic_store(&link->state, LINK_HERE);
	l->nlinks++;
}

static void
end_link(struct loop *l, struct link *link)
{
	close(link->fd);
	atomic_store(&link->state, LINK_NONE);
	l->nlinks--;
}

static void
change_watch(struct loop *l, struct link *link, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = link };
	int rc = epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, link->fd, &e);

	assert(rc == 0); /* nothing has to be allocated */
}

/* By a thread that is done with it: it is ready for another, or ended. */
static void
give_back(void *ctx, struct seat *seat)
{
	struct loop *l = ctx;
	struct link *link = seat->link;
	ssize_t n = 0;

	link->over = seat->conn.fd < 0;
	conn_leave(&seat->conn);
	link->since_us = clock_monotonic_us();
	if (atomic_exchange(&link->state, LINK_HERE) == LINK_MISSED)
		n = write(l->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t));
	assert(n >= 0);
}

static void
watch_again(struct loop *l, struct link *link)
{
	change_watch(l, link, EPOLLIN);
	link->watched = true;
}

/*
 * Something happens on a connection that a thread has: it ends, or its next
 * request is here before the thread has said that it is done.  That is rare, so
 * only now the loop turns away from it, until it is back.  Its end cannot be
 * turned away from, but EPOLLONESHOT has it told once more only.
 */
static void
miss(struct loop *l, struct link *link)
{
	int state = LINK_AWAY;

	if (link->watched)
		change_watch(l, link, EPOLLONESHOT);
	link->watched = false;
	atomic_compare_exchange_strong(&link->state, &state, LINK_MISSED);
	if (state == LINK_HERE)
		watch_again(l, link); /* it has just come */
}

/* Some of those that were missed are back. */
static void
watch_missed(struct loop *l)
{
	uint64_t n;

	if (read(l->wake_fd, &n, sizeof(n)) < 0)
		return;
	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *link = &l->links[i];

		if (atomic_load(&link->state) == LINK_HERE && !link->watched)
			watch_again(l, link);
	}
}

static bool
may_keep(void *ctx)
{
	struct loop *l = ctx;

	return !atomic_load(&l->draining);
}

/* -- accepting -- */

static void
begin_listening(struct loop *l)
{
	/* Of the pool's processes one is woken for a connection, not all. */
	l->listening =
	    watch(l, l->listen_fd, &l->listen_fd, EPOLLIN | EPOLLEXCLUSIVE);
}

static void
stop_listening(struct loop *l)
{
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, l->listen_fd, NULL);
	l->listening = false;
	l->listen_us = clock_monotonic_us() + (int64_t)SHORTAGE_MS * 1000;
}

static struct link *
free_link(struct loop *l)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		if (atomic_load(&l->links[i].state) == LINK_NONE)
			return &l->links[i];
	}
	return NULL;
}

/* False: that was all for now. */
static bool
accept_one(struct loop *l)
{
	struct link *link = free_link(l);
	int fd;

	if (link == NULL) {
		stop_listening(l);
		return false;
	}
	fd = accept4(l->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		begin_link(l, link, fd);
		return true;
	}
	switch (listen_trouble(errno)) {
	case LISTEN_PASSING:
		break;
	case LISTEN_SHORTAGE:
		stop_listening(l);
		break;
	case LISTEN_BROKEN:
		abort(); /* the master starts another one */
	}
	return false;
}

static void
accept_some(struct loop *l)
{
	int n = 0;

	if (!l->listening)
		return; /* since this round began */
	/* Who shares the socket (a release that blocks in it) may have
	 * changed this; and the loop must not block. */
	listen_prepare(l->listen_fd);
	while (n < ACCEPT_MAX && accept_one(l))
		n++;
}

/* -- a round's requests -- */

static void
let_wait(struct loop *l, struct seat **seat)
{
	struct link *link = (*seat)->link;

	atomic_store(&link->state, LINK_AWAY);
	*seat = waiting_push(l->waiting, *seat);
}

static void
answer(struct loop *l, struct seat **seat)
{
	struct link *link = (*seat)->link;
	struct conn *c = &(*seat)->conn;

	c->prompt = true;
	if (!seat_answer(*seat, l->service, may_keep(l))) {
		end_link(l, link);
	} else if (conn_has_more(c)) {
		c->prompt = false;
		seat_begin(*seat, l->service);
		conn_begin_next(c, (*seat)->arena);
		let_wait(l, seat);
	} else {
		conn_leave(c);
		link->since_us = l->now_us;
	}
}

/* Takes what has come on a connection into the round. */
static void
receive(struct loop *l, struct link *link)
{
	struct seat **place = &l->seats[l->n];
	struct seat *seat;

	if (link->over) {
		end_link(l, link);
		return;
	}
	if (*place == NULL)
		*place = seat_new();
	seat = *place;
	seat->link = link;
	conn_open(&seat->conn, link->fd);
	seat_begin(seat, l->service);
	link->used = true;
	switch (conn_read_now(&seat->conn, seat->arena)) {
	case CONN_WHOLE:
		l->n++;
		break;
	case CONN_PART:
		let_wait(l, place);
		break;
	case CONN_NOTHING:
		conn_leave(&seat->conn);
		break;
	case CONN_OVER:
		conn_leave(&seat->conn);
		arena_reset(seat->arena);
		end_link(l, link);
		break;
	}
}

/* Which of the round's requests the loop answers by itself. */
static void
choose(struct loop *l, bool *ret_ready)
{
	const struct service *s = l->service;
	struct req *requests[ROUND_MAX];

	for (size_t i = 0; i < l->n; i++) {
		requests[i] = &l->seats[i]->req;
		ret_ready[i] = service_is_prompt(s, requests[i]);
	}
	if (s->prefetch != NULL && l->n > 0)
		s->prefetch(s->app, requests, ret_ready, l->n);
}

static void
serve(struct loop *l)
{
	bool ready[ROUND_MAX];

	choose(l, ready);
	for (size_t i = 0; i < l->n; i++) {
		if (ready[i])
			answer(l, &l->seats[i]);
	}
	/* After the others: to wake a thread takes time. */
	for (size_t i = 0; i < l->n; i++) {
		if (!ready[i])
			let_wait(l, &l->seats[i]);
	}
	l->n = 0;
}

/* -- the loop -- */

static void
begin_drain(struct loop *l)
{
	if (atomic_exchange(&l->draining, true))
		return;
	if (l->listening)
		stop_listening(l);
	close(l->listen_fd);
	l->shut_us = clock_monotonic_us() + GRACE_US;
}

static void
dispatch(struct loop *l, void *what)
{
	struct link *link = what;

	if (what == &l->listen_fd)
		accept_some(l);
	else if (what == &l->signal_fd)
		begin_drain(l);
	else if (what == &l->wake_fd)
		watch_missed(l);
	else if (atomic_load(&link->state) == LINK_HERE && link->watched)
		receive(l, link);
	else
		miss(l, link);
}

static bool
is_overdue(const struct loop *l, const struct link *link)
{
	int64_t limit_us = link->used ? IDLE_US : FIRST_REQUEST_US;

	return l->now_us - link->since_us > limit_us;
}

/* Looks after the connections on which nothing comes. */
static void
sweep(struct loop *l)
{
	bool shut = atomic_load(&l->draining) && l->now_us >= l->shut_us;

	if (!shut && l->now_us < l->sweep_us)
		return;
	l->sweep_us = l->now_us + (int64_t)SWEEP_MS * 1000;
	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *link = &l->links[i];

		if (atomic_load(&link->state) != LINK_HERE)
			continue;
		if (shut) {
			shutdown(link->fd, SHUT_RD);
		} else if (is_overdue(l, link)) {
			end_link(l, link);
		}
	}
}

/* How long the loop may wait for an event. */
static int
wait_ms(const struct loop *l)
{
	int64_t left_us;

	if (atomic_load(&l->draining)) {
		left_us = l->shut_us - clock_monotonic_us();
		return left_us > 0 ? (int)(left_us / 1000 + 1) : WAKE_MS;
	}
	if (!l->listening)
		return SHORTAGE_MS; /* listen_us is no further away */
	return l->nlinks > 0 ? SWEEP_MS : -1;
}

static void
go_round(struct loop *l)
{
	struct epoll_event events[ROUND_MAX];
	int n = epoll_wait(l->epoll_fd, events, ROUND_MAX, wait_ms(l));

	assert(n >= 0 || errno == EINTR);
	l->now_us = clock_monotonic_us();
	if (!l->listening && !atomic_load(&l->draining) &&
	    l->now_us >= l->listen_us)
		begin_listening(l);
	for (int i = 0; i < n; i++)
		dispatch(l, events[i].data.ptr);
	serve(l);
	sweep(l);
}

static void
run(struct loop *l)
{
	while (!atomic_load(&l->draining) || l->nlinks > 0)
		go_round(l);
}

static struct loop *
loop_new(const struct worker *w, const struct service *s)
{
	struct loop *l = calloc(1, sizeof(*l));
	sigset_t end;

	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	if (l == NULL)
		abort();
	l->service = s;
	l->listen_fd = w->listen_fd;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->signal_fd = signalfd(-1, &end, SFD_CLOEXEC);
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->epoll_fd < 0 || l->signal_fd < 0 || l->wake_fd < 0 ||
	    !watch(l, l->signal_fd, &l->signal_fd, EPOLLIN | EPOLLONESHOT) ||
	    !watch(l, l->wake_fd, &l->wake_fd, EPOLLIN))
		abort();
	begin_listening(l);
	l->waiting = waiting_new(&(struct waiting_options){
	    .service = s,
	    .threads = w->threads,
	    .may_keep = may_keep,
	    .give_back = give_back,
	    .ctx = l,
	});
	return l;
}

static void
loop_free(struct loop *l)
{
	for (int i = 0; i < ROUND_MAX; i++)
		seat_free(l->seats[i]);
	close(l->wake_fd);
	close(l->signal_fd);
	close(l->epoll_fd);
	free(l);
}

int
event_loop_work(const struct worker *w, const struct service *s)
{
	struct loop *l = loop_new(w, s);
	bool ok = l->waiting != NULL;

	if (ok) {
		worker_ready(w);
		run(l);
		waiting_free(l->waiting);
	}
	loop_free(l);
	return ok ? 0 : 1;
}

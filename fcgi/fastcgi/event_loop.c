#include "fastcgi/event_loop.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/health.h"
#include "base/log.h"
#include "base/metrics.h"
#include "fastcgi/application.h"
#include "fastcgi/bodies.h"
#include "fastcgi/conn.h"
#include "fastcgi/links.h"
#include "fastcgi/memory.h"
#include "fastcgi/seat.h"
#include "fastcgi/waiting.h"
#include "process/listen.h"
#include "process/master.h"

enum {
	ROUND_MAX = APPLICATION_ROUND_MAX,
	ACCEPT_MAX = 8, /* in a round */
	SWEEP_MS = HEALTH_BEAT_MS,
	BODY_SWEEP_MS = 250, /* while bodies are waited for */
	FULL_MS = 50, /* without a look whether there is room again */
	GRACE_US = 200 * 1000,
	WAKE_MS = 20,
};

struct loop {
	const struct application *app;
	struct waiting *waiting;
	int epoll_fd;
	int listen_fd; /* closed when draining */
	int signal_fd;
	bool listening; /* the loop waits for it */
	int64_t listen_us; /* when not: until then */
	int shortages; /* of descriptors or memory, in a row */
	int64_t now_us; /* of this round */
	int64_t sweep_us;
	int64_t body_sweep_us;
	int64_t shut_us; /* what is idle then, when draining */
	atomic_bool draining;
	struct links links;

	/* This round's requests; seats are kept from one to the next. */
	struct seat *seats[ROUND_MAX];
	size_t n;
};

/* By a thread that is done with it. */
static void
give_back(void *ctx, struct seat *seat)
{
	struct loop *l = ctx;
	bool over = seat->conn.fd < 0;

	conn_leave(&seat->conn);
	link_give_back(&l->links, seat->link, over);
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
	struct epoll_event e = {
		.events = EPOLLIN | EPOLLEXCLUSIVE,
		.data.ptr = &l->listen_fd,
	};

	l->listening =
	    epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->listen_fd, &e) == 0;
}

static void
stop_listening(struct loop *l, int ms)
{
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, l->listen_fd, NULL);
	l->listening = false;
	l->listen_us = clock_monotonic_us() + (int64_t)ms * 1000;
}

/* False: that was all for now. */
static bool
accept_one(struct loop *l)
{
	struct link *link = links_find_free(&l->links);
	int fd;

	if (link == NULL) { /* the next ones stay in the kernel's queue */
		stop_listening(l, FULL_MS);
		return false;
	}
	fd = accept4(l->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		l->shortages = 0;
		link_begin(&l->links, link, fd);
		return true;
	}
	switch (listen_trouble(errno)) {
	case LISTEN_PASSING:
		break;
	case LISTEN_SHORTAGE:
		stop_listening(l, listen_backoff_ms(++l->shortages));
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

/* The loop waits for the rest of it. */
static void
park(struct seat **seat)
{
	(*seat)->link->seat = *seat;
	*seat = NULL;
}

/* Back to where the loop answers it; what is there is an unused one. */
static void
take_parked(struct link *link, struct seat **place)
{
	seat_free(*place);
	*place = link->seat;
	link->seat = NULL;
}

/* Its client has left, or cannot be understood. */
static void
end_request(struct loop *l, struct seat **seat)
{
	struct link *link = (*seat)->link;

	conn_leave(&(*seat)->conn);
	arena_reset((*seat)->arena);
	link_end(&l->links, link);
}

/*
 * Answers a request that is not served.  If its body is not here whole, the
 * answer does not wait for it, and the rest is skipped when it comes: if the
 * connection were closed, nginx might fail to send the body before it has read
 * the answer, and answer 502 by itself.
 */
static void
refuse(struct loop *l, struct seat **seat, bool whole, enum err e)
{
	struct link *link = (*seat)->link;
	struct conn *c = &(*seat)->conn;

	c->prompt = true;
	seat_refuse(*seat, e);
	link->since_us = l->now_us;
	if (!whole && seat_answer_last(*seat, l->app)) {
		link->answered = true;
		park(seat);
		return;
	}
	if (whole && seat_answer(*seat, l->app, may_keep(l)) &&
	    !conn_has_more(c)) {
		conn_leave(c);
		return;
	}
	conn_leave(c);
	link_end(&l->links, link);
}

static void
let_wait(struct loop *l, struct seat **seat)
{
	struct link *link = (*seat)->link;
	enum err e;

	link_lend(link);
	e = waiting_push(l->waiting, seat);
	if (e == ERR_OK)
		return;
	link_take_back(link);
	refuse(l, seat, /* whole= */ true, e);
}

/* -- bodies on their way -- */

/*
 * Refuses a request whose body does not come.  Its events may be among those of
 * this round, so the link must not end here.
 */
static void
cut_off(struct loop *l, struct link *link, enum err e)
{
	struct seat *seat = link->seat;

	bodies_remove(&l->links, link);
	seat->conn.prompt = true;
	seat_refuse(seat, e);
	link->since_us = l->now_us;
	if (seat_answer_last(seat, l->app))
		link->answered = true;
	else
		link->over = true; /* it was shut, which is an event */
}

/* Receives what has come of it, if need be in another one's place. */
static enum conn_state
receive_body(struct loop *l, struct link *link)
{
	struct seat *seat = link->seat;
	enum conn_state state;

	while ((state = conn_receive_body(
		    &seat->conn, seat->arena, link->body_max)) == CONN_FULL) {
		struct link *other =
		    bodies_find_memory(&l->links, link, l->now_us);

		if (other == NULL)
			break;
		cut_off(l, other, ERR_TIMEOUT);
	}
	return state;
}

/* True: there is room for one more that waits for its body. */
static bool
make_room(struct loop *l, const struct link *link)
{
	struct link *other;

	if (l->links.bodies < BODIES_MAX)
		return true;
	other = bodies_find_connection(&l->links, link, l->now_us);
	if (other == NULL)
		return false;
	cut_off(l, other, ERR_TIMEOUT);
	return true;
}

/* Why a request of which this has come is not waited for; or ERR_OK. */
static enum err
judge_body(struct loop *l, const struct link *link, enum conn_state state)
{
	if (state == CONN_FULL)
		return ERR_UNAVAILABLE;
	if (state != CONN_BODY)
		return ERR_OK;
	if (bodies_is_endless(link))
		return ERR_TOO_LARGE;
	if (!link->body && !make_room(l, link))
		return ERR_UNAVAILABLE;
	return ERR_OK;
}

/* What came goes on; false: the request is here whole, in *seat. */
static bool
go_on_with_body(struct loop *l, struct link *link, struct seat **seat)
{
	enum conn_state state = receive_body(l, link);
	enum err e = judge_body(l, link, state);

	if (e == ERR_OK && state == CONN_BODY) {
		bodies_add(&l->links, link);
		return true;
	}
	bodies_remove(&l->links, link);
	take_parked(link, seat);
	if (e != ERR_OK)
		refuse(l, seat, /* whole= */ false, e);
	else if (state == CONN_OVER)
		end_request(l, seat);
	return e != ERR_OK || state == CONN_OVER;
}

/*
 * The parameters are here, and the body is not.  A request that there is no
 * room for is refused now, and not when its body has come.
 */
static bool
begin_body(struct loop *l, struct seat **seat)
{
	const struct application *app = l->app;
	struct link *link = (*seat)->link;
	enum err e;

	link->flow = app->flow_key(app->ctx, (*seat)->request);
	e = waiting_look(l->waiting, link->flow);
	if (e != ERR_OK) {
		refuse(l, seat, /* whole= */ false, e);
		return true;
	}
	link->body_max = app->body_max(app->ctx, (*seat)->request);
	park(seat);
	return go_on_with_body(l, link, seat);
}

/* A request of which this was read goes on; false: it can be answered. */
static bool
go_on(struct loop *l, struct seat **seat, enum conn_state state)
{
	switch (state) {
	case CONN_WHOLE:
		return false;
	case CONN_BODY:
		return begin_body(l, seat);
	case CONN_HEAD:
		park(seat);
		break;
	case CONN_NOTHING:
		conn_leave(&(*seat)->conn);
		break;
	case CONN_FULL: /* of a body alone */
	case CONN_OVER:
		end_request(l, seat);
		break;
	}
	return true;
}

/* Of a request that was received with the one before. */
static enum conn_state
read_next(struct loop *l, struct seat *seat)
{
	seat->conn.prompt = false;
	seat->link->since_us = l->now_us;
	seat_begin(seat, l->app);
	conn_begin(&seat->conn, seat->arena);
	return conn_read_on(&seat->conn, seat->arena);
}

static void
answer(struct loop *l, struct seat **seat)
{
	struct link *link = (*seat)->link;
	struct conn *c = &(*seat)->conn;

	c->prompt = true;
	if (!seat_answer(*seat, l->app, may_keep(l))) {
		link_end(&l->links, link);
	} else if (conn_has_more(c)) {
		if (!go_on(l, seat, read_next(l, *seat)))
			let_wait(l, seat);
	} else {
		conn_leave(c);
		link->since_us = l->now_us;
	}
}

/* The rest of a request that was answered before it was here whole. */
static void
skip(struct loop *l, struct link *link, struct seat **place)
{
	enum conn_state state = conn_skip_now(&link->seat->conn);

	if (state == CONN_NOTHING)
		return;
	if (state == CONN_OVER || !link->seat->conn.head.keep || !may_keep(l)) {
		link_end(&l->links, link);
		return;
	}
	/* nginx may have sent all of it, and keep the connection. */
	take_parked(link, place);
	link->answered = false;
	link->since_us = l->now_us;
	if (!conn_has_more(&(*place)->conn))
		conn_leave(&(*place)->conn);
	else if (!go_on(l, place, read_next(l, *place)))
		l->n++;
}

static enum conn_state
begin_request(struct loop *l, struct link *link, struct seat **place)
{
	struct seat *seat;

	if (*place == NULL)
		*place = seat_new(l->app);
	seat = *place;
	seat->link = link;
	conn_open(&seat->conn, link->fd);
	seat_begin(seat, l->app);
	link->used = true;
	link->since_us = l->now_us;
	return conn_read_now(&seat->conn, seat->arena);
}

/* With the seat that holds what has come of it. */
static enum conn_state
resume_request(struct link *link, struct seat **place)
{
	take_parked(link, place);
	return conn_read_on(&(*place)->conn, (*place)->arena);
}

/* Takes what has come on a connection into the round. */
static void
receive(struct loop *l, struct link *link)
{
	struct seat **place = &l->seats[l->n];
	enum conn_state state;

	if (link->over) {
		link_end(&l->links, link);
		return;
	}
	if (link->answered) {
		skip(l, link, place);
		return;
	}
	if (link->body) {
		if (!go_on_with_body(l, link, place))
			l->n++;
		return;
	}
	state = link->seat != NULL ? resume_request(link, place)
	                           : begin_request(l, link, place);
	if (!go_on(l, place, state))
		l->n++;
}

/* Which of the round's requests the loop answers by itself. */
static void
choose(struct loop *l, bool *ret_ready)
{
	const struct application *app = l->app;
	void *requests[ROUND_MAX];

	for (size_t i = 0; i < l->n; i++) {
		requests[i] = l->seats[i]->request;
		ret_ready[i] = app->is_nonblocking(app->ctx, requests[i]);
	}
	if (l->n > 0)
		app->prefetch(app->ctx, requests, ret_ready, l->n);
}

static void
serve(struct loop *l)
{
	const struct application *app = l->app;
	bool ready[ROUND_MAX] = { false };

	choose(l, ready);
	for (size_t i = 0; i < l->n; i++) {
		ready[i] = ready[i] &&
		           app->is_still_ready(app->ctx, l->seats[i]->request);
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
		stop_listening(l, FULL_MS);
	close(l->listen_fd);
	l->shut_us = clock_monotonic_us() + GRACE_US;
}

static void
dispatch(struct loop *l, void *what)
{
	if (what == &l->listen_fd)
		accept_some(l);
	else if (what == &l->signal_fd)
		begin_drain(l);
	else if (what == &l->links.wake_fd)
		links_watch_missed(&l->links);
	else if (link_is_here(&l->links, what))
		receive(l, what);
}

/* Ends the requests whose bodies have had their time. */
static void
sweep_bodies(struct loop *l)
{
	if (l->links.bodies == 0 || l->now_us < l->body_sweep_us)
		return;
	l->body_sweep_us = l->now_us + (int64_t)BODY_SWEEP_MS * 1000;
	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *link = &l->links.table[i];

		if (link->body &&
		    bodies_is_late(link, l->app->body_timeout_us, l->now_us))
			cut_off(l, link, ERR_TIMEOUT);
	}
}

/* Looks after the connections on which nothing comes. */
static void
sweep(struct loop *l)
{
	sweep_bodies(l);
	if (atomic_load(&l->draining) && l->now_us >= l->shut_us)
		links_shut(&l->links);
	if (l->now_us >= l->sweep_us) {
		l->sweep_us = l->now_us + (int64_t)SWEEP_MS * 1000;
		links_end_idle(&l->links, l->now_us);
		log_report(/* all= */ false);
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
	if (!l->listening) {
		left_us = l->listen_us - clock_monotonic_us();
		/* Also when it could not listen again: no spinning. */
		return left_us > 0 ? (int)(left_us / 1000 + 1) : FULL_MS;
	}
	return l->links.bodies > 0 ? BODY_SWEEP_MS : SWEEP_MS;
}

static void
go_round(struct loop *l)
{
	struct epoll_event events[ROUND_MAX];
	int n = epoll_wait(l->epoll_fd, events, ROUND_MAX, wait_ms(l));

	assert(n >= 0 || errno == EINTR);
	l->now_us = clock_monotonic_us();
	health_beat(l->now_us);
	if (!l->listening && !atomic_load(&l->draining) &&
	    l->now_us >= l->listen_us)
		begin_listening(l);
	for (int i = 0; i < n; i++)
		dispatch(l, events[i].data.ptr);
	serve(l);
	sweep(l);
	metrics_observe(HISTOGRAM_LOOP_ROUND, clock_monotonic_us() - l->now_us);
}

static void
run(struct loop *l)
{
	while (!atomic_load(&l->draining) || l->links.count > 0)
		go_round(l);
}

static bool
watch_signals(struct loop *l)
{
	struct epoll_event e = {
		.events = EPOLLIN | EPOLLONESHOT,
		.data.ptr = &l->signal_fd,
	};
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t end;

	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	/* A signal that is ignored is not reported by a signalfd. */
	sigaction(SIGTERM, &dfl, NULL);
	pthread_sigmask(SIG_BLOCK, &end, NULL);
	l->signal_fd = signalfd(-1, &end, SFD_CLOEXEC);
	return l->signal_fd >= 0 &&
	       epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->signal_fd, &e) == 0;
}

static struct loop *
loop_new(const struct worker *w, const struct application *app)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		abort();
	l->app = app;
	l->listen_fd = w->listen_fd;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0 || !links_init(&l->links, l->epoll_fd) ||
	    !watch_signals(l))
		abort();
	begin_listening(l);
	metrics_gauge_set(GAUGE_CONNECTIONS_MAX, LINKS_MAX);
	l->waiting = waiting_new(&(struct waiting_options){
	    .app = app,
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
	links_release(&l->links);
	close(l->signal_fd);
	close(l->epoll_fd);
	free(l);
}

int
event_loop_work(const struct worker *w, const struct application *app)
{
	struct loop *l;
	bool ok;

	memory_configure();
	l = loop_new(w, app);
	ok = l->waiting != NULL;
	if (ok) {
		worker_ready(w);
		run(l);
		waiting_free(l->waiting);
	}
	loop_free(l);
	return ok ? 0 : 1;
}

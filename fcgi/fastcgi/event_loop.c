#include "fastcgi/event_loop.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
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
#include "fastcgi/conn.h"
#include "fastcgi/connection_table.h"
#include "fastcgi/request_context.h"
#include "fastcgi/round.h"
#include "fastcgi/round_body.h"
#include "fastcgi/thread_pool.h"
#include "process/listen.h"
#include "process/master.h"

enum {
	ACCEPT_MAX = 8, /* the most connections accepted in one round */
	SWEEP_MS = HEALTH_BEAT_MS,
	/*
	 * How long to wait before accepting again when the connection table is
	 * full.
	 */
	FULL_MS = 50,
	GRACE_US = 200 * 1000,
	WAKE_MS = 20,
	MALLOC_ARENAS = 2,
	MALLOC_KEEP_BYTES = 256 * 1024,
};

struct loop {
	struct thread_pool *pool;
	int epoll_fd;
	int listen_fd; /* closed when draining */
	int signal_fd;
	bool listening;
	int64_t listen_us; /* while not listening: when to listen again */
	/*
	 * How many times in a row accept() has failed for lack of descriptors
	 * or memory.
	 */
	int shortages;
	int64_t sweep_us;
	int64_t shut_us; /* while draining: when to shut idle connections */
	atomic_bool draining;
	struct connection_table table;
	struct round round;
};

/* Called by a thread that has finished the request. */
static void
give_back(void *ctx, struct request_context *context)
{
	struct loop *l = ctx;
	bool closing = context->conn.in.fd < 0;

	conn_leave(&context->conn);
	connection_give_back(&l->table, context->client, closing);
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
	/* A new connection wakes one of the pool's processes, not all. */
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

/*
 * Accepts one connection.  Returns false when no other connection can be
 * accepted now.
 */
static bool
accept_one(struct loop *l)
{
	struct client_connection *client =
	    connection_table_find_free(&l->table);
	int fd;

	if (client == NULL) { /* the table is full: connections stay in the
		                 kernel's queue */
		stop_listening(l, FULL_MS);
		return false;
	}
	fd = accept4(l->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		l->shortages = 0;
		connection_open(&l->table, client, fd);
		return true;
	}
	switch (listen_trouble(errno)) {
	case LISTEN_PASSING:
		break;
	case LISTEN_SHORTAGE:
		stop_listening(l, listen_backoff_ms(++l->shortages));
		break;
	case LISTEN_BROKEN:
		abort(); /* the master starts a replacement */
	}
	return false;
}

static void
accept_some(struct loop *l)
{
	int n = 0;

	if (!l->listening)
		return; /* listening was stopped earlier in this round */
	/* An older release that shares this socket may have cleared O_NONBLOCK.
	 * Set it again: accept() must not block the loop. */
	listen_prepare(l->listen_fd);
	while (n < ACCEPT_MAX && accept_one(l))
		n++;
}

/* -- the loop -- */

/*
 * While draining, requests with incomplete bodies are refused after three
 * quarters of the time: the requests whose bodies have arrived need the rest to
 * be served.
 */
static void
limit_bodies(struct loop *l)
{
	struct signalfd_siginfo signal;
	int64_t drain_us = -1;

	if (read(l->signal_fd, &signal, sizeof(signal)) == sizeof(signal))
		drain_us = (int64_t)worker_drain_ms(&signal) * 1000;
	if (drain_us >= 0)
		l->round.bodies_end_us =
		    clock_monotonic_us() + drain_us / 4 * 3;
}

static void
begin_drain(struct loop *l)
{
	if (atomic_exchange(&l->draining, true))
		return;
	limit_bodies(l);
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
	else if (what == &l->table.wake_fd)
		connection_table_rearm(&l->table);
	else if (connection_is_of_loop(&l->table, what))
		round_receive(&l->round, what);
}

/* Does everything that is due by the clock. */
static void
sweep(struct loop *l)
{
	round_sweep_bodies(&l->round);
	if (atomic_load(&l->draining) && l->round.now_us >= l->shut_us)
		connection_table_shut_idle(&l->table);
	if (l->round.now_us >= l->sweep_us) {
		l->sweep_us = l->round.now_us + (int64_t)SWEEP_MS * 1000;
		connection_table_close_idle(&l->table, l->round.now_us);
		log_report(/* all= */ false);
	}
}

/* Returns the longest time for which the loop may wait for an event. */
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
		/*
		 * If listening could not begin again, wait for FULL_MS, so that
		 * the loop does not spin.
		 */
		return left_us > 0 ? (int)(left_us / 1000 + 1) : FULL_MS;
	}
	if (l->table.paused > 0)
		return ROUND_PAUSED_MS;
	return l->table.bodies > 0 ? ROUND_BODY_SWEEP_MS : SWEEP_MS;
}

static void
go_round(struct loop *l)
{
	struct epoll_event events[ROUND_MAX];
	int n = epoll_wait(l->epoll_fd, events, ROUND_MAX, wait_ms(l));

	assert(n >= 0 || errno == EINTR);
	l->round.now_us = clock_monotonic_us();
	health_beat(l->round.now_us);
	if (!l->listening && !atomic_load(&l->draining) &&
	    l->round.now_us >= l->listen_us)
		begin_listening(l);
	for (int i = 0; i < n; i++)
		dispatch(l, events[i].data.ptr);
	round_serve(&l->round);
	sweep(l);
	metrics_observe(
	    HISTOGRAM_LOOP_ROUND, clock_monotonic_us() - l->round.now_us);
}

static void
run(struct loop *l)
{
	while (!atomic_load(&l->draining) || l->table.count > 0)
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
	/* A signalfd does not report a signal that is ignored. */
	sigaction(SIGTERM, &dfl, NULL);
	pthread_sigmask(SIG_BLOCK, &end, NULL);
	l->signal_fd = signalfd(-1, &end, SFD_CLOEXEC);
	return l->signal_fd >= 0 &&
	       epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->signal_fd, &e) == 0;
}

/*
 * Requests allocate little and free all of it.  By default glibc would create
 * up to eight arenas per core, each keeping what its largest request used; and
 * its thresholds would rise with the largest block ever freed.  Two arenas are
 * enough for two threads to allocate at the same time; blocks above the
 * threshold are returned to the kernel when freed, and so is the top of an
 * arena.
 */
static void
set_up_malloc(void)
{
	mallopt(M_ARENA_MAX, MALLOC_ARENAS);
	mallopt(M_MMAP_THRESHOLD, MALLOC_KEEP_BYTES);
	mallopt(M_TRIM_THRESHOLD, MALLOC_KEEP_BYTES);
	/*
	 * Use no fast bins: glibc consolidates them whenever a block next to
	 * the top is freed, which happens with every request here.  The thread
	 * caches are enough.
	 */
	mallopt(M_MXFAST, 0);
}

static struct loop *
loop_new(const struct worker *w, const struct application *app)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		abort();
	l->listen_fd = w->listen_fd;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0 || !connection_table_init(&l->table, l->epoll_fd) ||
	    !watch_signals(l))
		abort();
	begin_listening(l);
	metrics_gauge_set(GAUGE_CONNECTIONS_MAX, CONNECTIONS_MAX);
	l->pool = thread_pool_new(&(struct thread_pool_options){
	    .app = app,
	    .threads = w->threads,
	    .may_keep = may_keep,
	    .give_back = give_back,
	    .ctx = l,
	});
	l->round = (struct round){
		.app = app,
		.table = &l->table,
		.pool = l->pool,
		.draining = &l->draining,
	};
	return l;
}

static void
loop_free(struct loop *l)
{
	round_release(&l->round);
	connection_table_release(&l->table);
	close(l->signal_fd);
	close(l->epoll_fd);
	free(l);
}

int
event_loop_work(const struct worker *w, const struct application *app)
{
	struct loop *l;
	bool ok;

	set_up_malloc();
	l = loop_new(w, app);
	ok = l->pool != NULL;
	if (ok) {
		worker_ready(w);
		run(l);
		thread_pool_free(l->pool);
	}
	loop_free(l);
	return ok ? 0 : 1;
}

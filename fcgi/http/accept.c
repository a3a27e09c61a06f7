#include "http/accept.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/conn.h"
#include "http/request.h"
#include "http/service.h"
#include "http/thread.h"
#include "server/listen.h"

enum {
	WAKE_EVERY_NS = 20 * 1000 * 1000,
	IDLE_GRACE_US = 200 * 1000,
	SHORTAGE_NS = 50 * 1000 * 1000,
};

enum thread_state {
	THREAD_BUSY,
	THREAD_ACCEPTING,
	THREAD_IDLE, /* between two requests of a kept connection */
	THREAD_WAKING, /* the main thread is at it */
	THREAD_ENDED,
};

struct crew;

struct thread {
	struct crew *crew;
	pthread_t id;
	_Atomic int state;
	struct conn conn;
	struct arena *arena;
};

struct crew {
	const struct service *service;
	int listen_fd;
	atomic_bool draining;
	sem_t ended;
	atomic_int accepting; /* threads that serve no connection */
	pthread_mutex_t
	    growth; /* of nthreads, which stands once draining is set */
	struct thread *threads;
	int nthreads;
	int max_threads;
};

static bool add_thread(struct crew *crew);

/* -- a thread's side -- */

static void
wait_begins(struct thread *t, int state)
{
	atomic_store(&t->state, state);
}

/*
 * Back to busy; but not while the main thread is waking us, for it uses our
 * descriptor then.  A signal that it sent has been delivered, or is by the
 * next system call, and the next one is a recv() that starts over.
 */
static void
wait_ended(struct thread *t, int state)
{
	int expected = state;

	while (
	    !atomic_compare_exchange_weak(&t->state, &expected, THREAD_BUSY)) {
		expected = state;
		sched_yield();
	}
}

static void
serve_request(struct thread *t)
{
	const struct req_source source = conn_source(&t->conn);
	struct req r = { .arena = t->arena, .source = &source };

	service_handle(t->crew->service, &r);
	conn_answer(&t->conn, t->arena, &r);
}

static bool
wait_for_next(struct thread *t)
{
	bool ok;

	wait_begins(t, THREAD_IDLE);
	ok = conn_wait(&t->conn, /* kept= */ true);
	wait_ended(t, THREAD_IDLE);
	return ok;
}

static void
serve_connection(struct thread *t, int fd, bool may_keep)
{
	bool more;

	conn_open(&t->conn, fd);
	/* The web server connects in order to send; this wait is not idling. */
	more = conn_wait(&t->conn, /* kept= */ false);
	while (more && conn_read_params(&t->conn, t->arena)) {
		serve_request(t);
		more = conn_finish(
		    &t->conn, may_keep && !atomic_load(&t->crew->draining));
		log_set_request(NULL);
		arena_reset(t->arena);
		if (more)
			more = wait_for_next(t);
	}
	conn_close(&t->conn);
}

static void
take_connection(struct thread *t, int fd)
{
	struct crew *crew = t->crew;
	bool may_keep = true;

	/* If none can be started, who comes next waits for us: not for long. */
	if (atomic_fetch_sub(&crew->accepting, 1) == 1)
		may_keep = add_thread(crew);
	serve_connection(t, fd, may_keep);
	atomic_fetch_add(&crew->accepting, 1);
}

/* After a failed accept(): whether that can go on. */
static bool
survives(int error)
{
	const struct timespec pause = { .tv_nsec = SHORTAGE_NS };

	switch (listen_trouble(error)) {
	case LISTEN_PASSING:
		return true;
	case LISTEN_SHORTAGE:
		nanosleep(&pause, NULL);
		return true;
	case LISTEN_BROKEN:
		break;
	}
	return false;
}

static void *
thread_run(void *arg)
{
	struct thread *t = arg;
	struct crew *crew = t->crew;

	while (!atomic_load(&crew->draining)) {
		int fd = -1, error = EINTR;

		wait_begins(t, THREAD_ACCEPTING);
		/* Asked again: see drain() on closing the descriptor. */
		if (!atomic_load(&crew->draining)) {
			fd = accept4(crew->listen_fd, NULL, NULL, SOCK_CLOEXEC);
			error = errno;
		}
		wait_ended(t, THREAD_ACCEPTING);
		if (fd >= 0)
			take_connection(t, fd);
		else if (!survives(error))
			abort(); /* the master starts another one */
	}
	atomic_store(&t->state, THREAD_ENDED);
	sem_post(&crew->ended);
	return NULL;
}

/* -- starting threads -- */

static bool
start_thread(struct crew *crew, struct thread *t)
{
	t->crew = crew;
	t->arena = arena_new();
	conn_init(&t->conn);
	if (thread_start(&t->id, thread_run, t))
		return true;
	arena_free(t->arena);
	return false;
}

/* False: one more is allowed, and cannot be started now. */
static bool
add_thread(struct crew *crew)
{
	bool added = true;

	pthread_mutex_lock(&crew->growth);
	if (!atomic_load(&crew->draining) &&
	    crew->nthreads < crew->max_threads) {
		atomic_fetch_add(&crew->accepting, 1);
		added = start_thread(crew, &crew->threads[crew->nthreads]);
		if (added)
			crew->nthreads++;
		else
			atomic_fetch_sub(&crew->accepting, 1);
	}
	pthread_mutex_unlock(&crew->growth);
	return added;
}

/* -- the main thread's side -- */

static void
ignore_signal(int signo)
{
	(void)signo;
}

/* A handler, and no SA_RESTART: it is there to interrupt accept(). */
static void
set_wake_signal(void)
{
	const struct sigaction wake = { .sa_handler = ignore_signal };

	sigaction(SIGUSR1, &wake, NULL);
}

/* Wakes a thread that waits; true when it was in accept(). */
static bool
wake(struct thread *t, bool idle_too)
{
	int state = THREAD_ACCEPTING;

	if (atomic_compare_exchange_strong(&t->state, &state, THREAD_WAKING)) {
		pthread_kill(t->id, SIGUSR1);
		atomic_store(&t->state, THREAD_ACCEPTING);
		return true;
	}
	if (idle_too && state == THREAD_IDLE &&
	    atomic_compare_exchange_strong(&t->state, &state, THREAD_WAKING)) {
		shutdown(t->conn.fd, SHUT_RD);
		atomic_store(&t->state, THREAD_IDLE);
	}
	return false;
}

/* Waits a moment for one more thread to end. */
static bool
wait_for_end(struct crew *crew)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += WAKE_EVERY_NS;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	return sem_clockwait(&crew->ended, CLOCK_MONOTONIC, &until) == 0;
}

/*
 * A thread can be about to wait when it is looked at, and a signal can come
 * just before accept(): all are woken again and again until none is left.
 * The master has the deadline.
 *
 * The socket is closed as soon as nobody can accept any more, so that no
 * successor takes it for that of a server that answers.  One round without a
 * thread in THREAD_ACCEPTING proves it: who comes there later sees `draining`.
 */
static void
drain(struct crew *crew)
{
	int64_t grace_until_us = clock_monotonic_us() + IDLE_GRACE_US;
	bool open = true;
	int left;

	pthread_mutex_lock(&crew->growth);
	atomic_store(&crew->draining, true);
	left = crew->nthreads;
	pthread_mutex_unlock(&crew->growth);
	while (left > 0) {
		bool idle_too = clock_monotonic_us() >= grace_until_us;
		bool accepting = false;

		for (int i = 0; i < crew->nthreads; i++)
			accepting |= wake(&crew->threads[i], idle_too);
		if (open && !accepting) {
			close(crew->listen_fd);
			open = false;
		}
		if (wait_for_end(crew))
			left--;
	}
}

static void
release(struct crew *crew)
{
	for (int i = 0; i < crew->nthreads; i++) {
		struct thread *t = &crew->threads[i];

		pthread_join(t->id, NULL);
		arena_free(t->arena);
	}
	free(crew->threads);
	pthread_mutex_destroy(&crew->growth);
	sem_destroy(&crew->ended);
}

int
accept_work(const struct worker *w, const struct service *s)
{
	struct crew crew = {
		.service = s,
		.listen_fd = w->listen_fd,
		.growth = PTHREAD_MUTEX_INITIALIZER,
		.max_threads = w->threads,
	};
	sigset_t until;
	int signo;

	sigemptyset(&until);
	sigaddset(&until, SIGTERM);
	sigaddset(&until, SIGINT);
	set_wake_signal();
	sem_init(&crew.ended, /* pshared= */ 0, 0);
	crew.threads = calloc((size_t)w->threads, sizeof(*crew.threads));
	assert(crew.threads != NULL);
	if (!add_thread(&crew))
		return 1;
	worker_ready(w);
	sigwait(&until, &signo);
	drain(&crew);
	release(&crew);
	return 0;
}

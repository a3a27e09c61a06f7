#include "job/job_pulse.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "app/service_config.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/health.h"
#include "base/log.h"
#include "base/str.h"
#include "base/uuid.h"
#include "db/db_listen.h"
#include "job/job_chores.h"
#include "job/job_give_back.h"
#include "job/job_rescue.h"
#include "job/job_rest.h"
#include "job/job_seat.h"
#include "job/job_store.h"

enum {
	SECOND_US = 1000 * 1000,
	BEAT_S = 5,
	/* So long before the master would kill us a handler is ended. */
	LAST_WORD_MS = 500,
	EXIT_UNFINISHED = 3,
};

/* The job that runs. */
struct current {
	char id[UUID_TEXT_SIZE]; /* "": none */
	int64_t fence;
	int64_t limit_s;
	int64_t deadline_us;
	int64_t began_us;
};

struct job_pulse {
	struct job_pulse_options options;
	struct db_listen *listen;
	struct job_chores *chores;
	struct arena *arena; /* of one round */
	pthread_t thread;
	int signal_fd;
	int stop_fd; /* an eventfd: the first thread wants us to end */

	pthread_mutex_t mutex; /* guards `current` and `woken` */
	pthread_cond_t wake;
	bool woken;
	struct current current;

	atomic_int_least64_t worker_id;
	atomic_bool lost;
	atomic_bool draining;
	atomic_bool cancelled;

	/* The thread's own. */
	int64_t beat_us; /* when the next is due */
	int64_t drain_us; /* no handler runs after that; INT64_MAX: not yet */
};

/* -- between the threads -- */

static void
wake(struct job_pulse *p)
{
	pthread_mutex_lock(&p->mutex);
	p->woken = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->mutex);
}

static struct current
current_of(struct job_pulse *p)
{
	struct current c;

	pthread_mutex_lock(&p->mutex);
	c = p->current;
	pthread_mutex_unlock(&p->mutex);
	return c;
}

/* Cancels the job that runs, if it is that one. */
static void
cancel(struct job_pulse *p, const char *id)
{
	pthread_mutex_lock(&p->mutex);
	if (*id != '\0' && strcmp(p->current.id, id) == 0)
		atomic_store(&p->cancelled, true);
	pthread_mutex_unlock(&p->mutex);
}

void
job_pulse_set_worker(struct job_pulse *p, int64_t worker_id)
{
	atomic_store(&p->worker_id, worker_id);
	atomic_store(&p->lost, false);
}

bool
job_pulse_is_lost(struct job_pulse *p)
{
	return atomic_load(&p->lost);
}

bool
job_pulse_is_draining(struct job_pulse *p)
{
	return atomic_load(&p->draining);
}

bool
job_pulse_is_cancelled(struct job_pulse *p)
{
	return p != NULL && atomic_load(&p->cancelled);
}

static struct timespec
time_of(int64_t us)
{
	return (struct timespec){
		.tv_sec = us / SECOND_US,
		.tv_nsec = us % SECOND_US * 1000,
	};
}

void
job_pulse_pause(struct job_pulse *p, int64_t deadline_us)
{
	const struct timespec until = time_of(deadline_us);

	pthread_mutex_lock(&p->mutex);
	while (!atomic_load(&p->draining)) {
		if (pthread_cond_timedwait(&p->wake, &p->mutex, &until) ==
		    ETIMEDOUT)
			break;
	}
	pthread_mutex_unlock(&p->mutex);
}

void
job_pulse_wait(struct job_pulse *p, int64_t deadline_us)
{
	const struct timespec until = time_of(deadline_us);

	pthread_mutex_lock(&p->mutex);
	while (
	    !p->woken && !atomic_load(&p->draining) && !atomic_load(&p->lost)) {
		if (pthread_cond_timedwait(&p->wake, &p->mutex, &until) ==
		    ETIMEDOUT)
			break;
	}
	p->woken = false;
	pthread_mutex_unlock(&p->mutex);
}

void
job_pulse_begin(struct job_pulse *p, const char *id, int64_t fence,
    int64_t limit_s, int64_t grace_s)
{
	struct current c = {
		.fence = fence,
		.limit_s = limit_s,
		.began_us = clock_monotonic_us(),
	};

	c.deadline_us = c.began_us + (limit_s + grace_s) * SECOND_US;
	snprintf(c.id, sizeof(c.id), "%s", id);
	pthread_mutex_lock(&p->mutex);
	p->current = c;
	atomic_store(&p->cancelled, false);
	pthread_mutex_unlock(&p->mutex);
	job_seat_set_running(p->options.seat, id);
}

void
job_pulse_end(struct job_pulse *p)
{
	job_seat_set_running(p->options.seat, NULL);
	pthread_mutex_lock(&p->mutex);
	p->current.id[0] = '\0';
	pthread_mutex_unlock(&p->mutex);
}

/* -- handlers that take too long -- */

/*
 * Nothing can stop a handler but the end of its process.  The next worker that
 * looks at the seats does the same if the database does not answer now; another
 * process carries what this one has counted.  Neither statement takes longer
 * than DATABASE_TIMEOUT_MS.
 */
static NORETURN void
end_handler(struct job_pulse *p, const struct current *c, const char *error)
{
	if (job_rescue_by(p->listen, p->arena, atomic_load(&p->worker_id),
		c->id, error) == ERR_OK)
		job_chores_carry(
		    p->chores, p->listen, p->arena, /* wait_ms= */ 0);
	_exit(EXIT_UNFINISHED);
}

static void
check_limits(struct job_pulse *p, int64_t now_us)
{
	struct current c = current_of(p);

	if (c.id[0] == '\0')
		return;
	if (now_us >= c.deadline_us) {
		log_event(LOG_ERROR, "a job took longer than it may",
		    LOG_TEXT("job", c.id), LOG_NUM("limit_s", c.limit_s));
		job_seat_set_overtime(p->options.seat, c.limit_s);
		end_handler(p, &c,
		    arena_printf(p->arena, "time limit of %lld s exceeded",
			(long long)c.limit_s));
	}
	if (now_us >= p->drain_us) {
		log_event(LOG_WARN, "a job took longer than the worker has",
		    LOG_TEXT("job", c.id));
		end_handler(p, &c, "the worker was stopped meanwhile");
	}
}

/* -- beating -- */

static const struct db_stmt beat_worker = {
	.name = "job_beat",
	.sql = "SELECT job_beat($1)",
	.nargs = 1,
};

static const struct db_stmt is_wanted = {
	.name = "job_is_wanted",
	.sql = "SELECT job_progress($1, $2, NULL)",
	.nargs = 2,
};

/* A notice can have been lost with the connection. */
static void
check_wanted(struct job_pulse *p, int64_t now_us)
{
	struct current c = current_of(p);
	struct db_rows rows;

	if (c.id[0] == '\0' || now_us - c.began_us < BEAT_S * SECOND_US)
		return;
	if (db_listen_run(p->listen, p->arena, &is_wanted,
		DB_ARGS(c.id, job_store_number(p->arena, c.fence)),
		&rows) == ERR_OK &&
	    !db_get_bool(&rows, 0, 0))
		cancel(p, c.id);
}

static bool
beat(struct job_pulse *p, int64_t now_us)
{
	int64_t worker_id = atomic_load(&p->worker_id);
	struct db_rows rows;

	if (worker_id == 0)
		return true;
	if (db_listen_run(p->listen, p->arena, &beat_worker,
		DB_ARGS(job_store_number(p->arena, worker_id)),
		&rows) != ERR_OK)
		return false;
	/* It may have registered anew meanwhile. */
	if (!db_get_bool(&rows, 0, 0) &&
	    atomic_load(&p->worker_id) == worker_id) {
		log_event(LOG_WARN, "the worker was taken for dead");
		atomic_store(&p->lost, true);
		wake(p);
	}
	check_wanted(p, now_us);
	return true;
}

/* Half of the lease must be left for a beat that fails. */
static int64_t
beat_s(const struct job_pulse *p)
{
	int64_t s = p->options.config->worker_lease_s / 3;

	return s < BEAT_S ? s : BEAT_S;
}

static void
do_what_is_due(struct job_pulse *p, int64_t now_us)
{
	if (now_us >= p->beat_us)
		p->beat_us =
		    now_us + (beat(p, now_us) ? beat_s(p) : 1) * SECOND_US;
	/* A frozen database takes its time for each of these. */
	health_beat(clock_monotonic_us());
	job_chores_do(p->chores, p->listen, p->arena, now_us);
}

/* -- the thread -- */

static void
hear(struct job_pulse *p)
{
	struct db_notice notice;

	while (db_listen_take(p->listen, &notice)) {
		if (str_eq(notice.channel, "job_cancel"))
			cancel(p, notice.payload);
		else
			wake(p);
	}
}

/* Never later than a second from now: so a limit of a second is kept. */
static int64_t
next_us(struct job_pulse *p, int64_t now_us)
{
	struct current c = current_of(p);
	int64_t at_us = job_chores_next_us(p->chores);
	int64_t rest_us = job_rest_due_us(p->options.rest);

	if (now_us + SECOND_US < at_us)
		at_us = now_us + SECOND_US;
	if (c.id[0] != '\0' && c.deadline_us < at_us)
		at_us = c.deadline_us;
	if (c.id[0] != '\0' && p->drain_us < at_us)
		at_us = p->drain_us;
	if (p->beat_us < at_us)
		at_us = p->beat_us;
	if (rest_us < at_us)
		at_us = rest_us;
	return at_us;
}

static void
begin_drain(struct job_pulse *p)
{
	int64_t left_ms = p->options.config->drain_timeout_ms;

	if (atomic_exchange(&p->draining, true))
		return;
	left_ms -= left_ms / 2 < LAST_WORD_MS ? left_ms / 2 : LAST_WORD_MS;
	p->drain_us = clock_monotonic_us() + left_ms * 1000;
	wake(p);
}

static void
read_signal(struct job_pulse *p)
{
	struct signalfd_siginfo info;

	while (read(p->signal_fd, &info, sizeof(info)) == sizeof(info))
		begin_drain(p);
}

static void *
run(void *ctx)
{
	struct job_pulse *p = ctx;
	struct pollfd fds[] = {
		{ .fd = p->signal_fd, .events = POLLIN },
		{ .fd = p->stop_fd, .events = POLLIN },
		{ .fd = job_rest_fd(p->options.rest), .events = POLLIN },
	};

	while ((fds[1].revents & POLLIN) == 0) {
		int64_t now_us = clock_monotonic_us();

		health_beat(now_us);
		check_limits(p, now_us);
		job_give_back(p->options.rest, p->listen, p->arena, now_us);
		do_what_is_due(p, now_us);
		db_listen_wait(p->listen, fds, COUNT_OF(fds),
		    next_us(p, clock_monotonic_us()));
		read_signal(p);
		hear(p);
		arena_reset(p->arena);
	}
	/* Who carries just now may have begun before our last counts. */
	job_chores_carry(p->chores, p->listen, p->arena,
	    p->options.config->database_timeout_ms);
	return NULL;
}

static void
init_sync(struct job_pulse *p)
{
	pthread_condattr_t attr;

	if (pthread_mutex_init(&p->mutex, NULL) != 0 ||
	    pthread_condattr_init(&attr) != 0 ||
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&p->wake, &attr) != 0)
		abort();
	pthread_condattr_destroy(&attr);
}

static void
open_fds(struct job_pulse *p)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	p->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	p->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->signal_fd < 0 || p->stop_fd < 0) {
		log_event(LOG_ERROR, "no descriptors for the pulse",
		    LOG_TEXT("error", strerror(errno)));
		abort();
	}
}

struct job_pulse *
job_pulse_start(const struct job_pulse_options *options)
{
	static const char *const channels[] = { "job", "job_cancel", NULL };
	struct job_pulse *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->options = *options;
	p->drain_us = INT64_MAX;
	p->arena = arena_new();
	p->chores =
	    job_chores_new(options->config, options->set, options->counts);
	p->listen = db_listen_open(
	    &(struct db_options){
		.url = options->config->database_url,
		.application_name = options->name,
		.statement_timeout_ms = options->config->database_timeout_ms,
	    },
	    channels);
	init_sync(p);
	open_fds(p);
	if (pthread_create(&p->thread, NULL, run, p) != 0)
		abort();
	return p;
}

void
job_pulse_stop(struct job_pulse *p)
{
	const uint64_t one = 1;

	if (write(p->stop_fd, &one, sizeof(one)) != sizeof(one))
		abort();
	pthread_join(p->thread, NULL);
	close(p->signal_fd);
	close(p->stop_fd);
	db_listen_close(p->listen);
	job_chores_free(p->chores);
	arena_free(p->arena);
	pthread_mutex_destroy(&p->mutex);
	pthread_cond_destroy(&p->wake);
	free(p);
}

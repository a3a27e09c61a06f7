#include "job/job_heartbeat.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/health.h"
#include "base/log.h"
#include "base/str.h"
#include "db/db_listen.h"
#include "job/job_backlog.h"
#include "job/job_maintenance.h"
#include "job/job_reclaim.h"
#include "job/job_service.h"
#include "job/job_store.h"
#include "job/job_worker_slot.h"
#include "job/job_worker_state.h"
#include "job/log_events.h"

enum {
	SECOND_US = 1000 * 1000,
	BEAT_S = 5,
	/*
	 * How long before the drain deadline a handler that still runs is
	 * ended; at the deadline itself the master would kill the process.
	 */
	LAST_WORD_MS = 500,
	EXIT_UNFINISHED = 3,
};

struct job_heartbeat {
	struct job_heartbeat_options options;
	struct job_worker_state *state;
	struct db_listen *listen;
	struct job_maintenance *maintenance;
	/* memory that is reset after each round of the loop */
	struct arena *arena;
	pthread_t thread;
	int signal_fd;
	int stop_fd; /* an eventfd that tells the thread to end */

	/* These members are used by the heartbeat thread alone. */
	int64_t beat_us; /* when the next heartbeat is due */
	/* no handler may run after this time; INT64_MAX: not draining yet */
	int64_t drain_us;
};

/* -- handlers that take too long -- */

/*
 * Ends the process, because only that stops a handler that takes too long. If
 * the database does not answer now, another worker of this host flushes the
 * counters and reclaims the jobs later: the process stays registered in a slot
 * of the shared memory (job_worker_slot.h), and the other worker sees that it
 * has died. Neither statement here takes longer than DATABASE_TIMEOUT_MS.
 */
static NORETURN void
end_handler(
    struct job_heartbeat *h, const struct job_current *c, const char *error)
{
	if (job_reclaim_listening(h->listen, h->arena,
		job_worker_state_worker(h->state), c->id, error) == ERR_OK)
		job_maintenance_flush_counts(
		    h->maintenance, h->listen, h->arena, /* wait_ms= */ 0);
	_exit(EXIT_UNFINISHED);
}

static void
check_limits(struct job_heartbeat *h, int64_t now_us)
{
	struct job_current c = job_worker_state_current(h->state);

	if (c.id[0] == '\0')
		return;
	if (now_us >= c.deadline_us) {
		log_event(LOG_ERROR, EVENT_JOB_TIME_LIMIT_EXCEEDED,
		    LOG_TEXT("job", c.id), LOG_NUM("limit_s", c.limit_s));
		job_worker_slot_set_timed_out(h->options.slot, c.limit_s);
		end_handler(h, &c,
		    arena_printf(h->arena, "time limit of %lld s exceeded",
			(long long)c.limit_s));
	}
	if (now_us >= h->drain_us) {
		log_event(
		    LOG_WARN, EVENT_JOB_DRAIN_DEADLINE, LOG_TEXT("job", c.id));
		end_handler(h, &c, "the worker was stopped during the attempt");
	}
}

/* -- the heartbeat -- */

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

/*
 * Asks the database whether the running job was cancelled: the NOTIFY may have
 * been lost with the connection.
 */
static void
check_wanted(struct job_heartbeat *h, int64_t now_us)
{
	struct job_current c = job_worker_state_current(h->state);
	struct db_rows rows;

	if (c.id[0] == '\0' || now_us - c.began_us < BEAT_S * SECOND_US)
		return;
	if (db_listen_run(h->listen, h->arena, &is_wanted,
		DB_ARGS(c.id, job_store_number(h->arena, c.fence)),
		&rows) == ERR_OK &&
	    !db_get_bool(&rows, 0, 0))
		job_worker_state_cancel(h->state, c.id);
}

static bool
beat(struct job_heartbeat *h, int64_t now_us)
{
	int64_t worker_id = job_worker_state_worker(h->state);
	struct db_rows rows;

	if (worker_id == 0)
		return true;
	if (db_listen_run(h->listen, h->arena, &beat_worker,
		DB_ARGS(job_store_number(h->arena, worker_id)),
		&rows) != ERR_OK)
		return false;
	if (!db_get_bool(&rows, 0, 0) &&
	    job_worker_state_set_lost(h->state, worker_id))
		log_event(LOG_WARN, EVENT_JOB_WORKER_REGISTRATION_LOST);
	check_wanted(h, now_us);
	return true;
}

/*
 * The interval of the heartbeat. It leaves more than half of the lease for
 * retries of a failed heartbeat.
 */
static int64_t
beat_s(const struct job_heartbeat *h)
{
	int64_t s = h->options.service->config->worker_lease_s / 3;

	return s < BEAT_S ? s : BEAT_S;
}

static void
do_what_is_due(struct job_heartbeat *h, int64_t now_us)
{
	if (now_us >= h->beat_us)
		h->beat_us =
		    now_us + (beat(h, now_us) ? beat_s(h) : 1) * SECOND_US;
	/*
	 * Report again that this thread is alive: each statement may have
	 * waited DATABASE_TIMEOUT_MS for a database that does not answer.
	 */
	health_beat(clock_monotonic_us());
	job_maintenance_run(h->maintenance, h->listen, h->arena, now_us);
}

/* -- the thread -- */

static void
read_notifications(struct job_heartbeat *h)
{
	struct db_notice notice;

	while (db_listen_take(h->listen, &notice)) {
		if (str_eq(notice.channel, "job_cancel"))
			job_worker_state_cancel(h->state, notice.payload);
		else
			job_worker_state_wake(h->state);
	}
}

/*
 * When the thread's loop must wake up: at most a second from now, because a job
 * that begins meanwhile may have a time limit of a second.
 */
static int64_t
next_us(struct job_heartbeat *h, int64_t now_us)
{
	struct job_current c = job_worker_state_current(h->state);
	int64_t at_us = job_maintenance_next_us(h->maintenance);
	int64_t backlog_us = job_backlog_due_us(h->options.backlog);

	if (now_us + SECOND_US < at_us)
		at_us = now_us + SECOND_US;
	if (c.id[0] != '\0' && c.deadline_us < at_us)
		at_us = c.deadline_us;
	if (c.id[0] != '\0' && h->drain_us < at_us)
		at_us = h->drain_us;
	if (h->beat_us < at_us)
		at_us = h->beat_us;
	if (backlog_us < at_us)
		at_us = backlog_us;
	return at_us;
}

static void
begin_drain(struct job_heartbeat *h)
{
	int64_t left_ms = h->options.service->drain_timeout_ms;

	if (!job_worker_state_drain(h->state))
		return;
	left_ms -= left_ms / 2 < LAST_WORD_MS ? left_ms / 2 : LAST_WORD_MS;
	h->drain_us = clock_monotonic_us() + left_ms * 1000;
}

static void
read_signal(struct job_heartbeat *h)
{
	struct signalfd_siginfo info;

	while (read(h->signal_fd, &info, sizeof(info)) == sizeof(info))
		begin_drain(h);
}

static void *
run(void *ctx)
{
	struct job_heartbeat *h = ctx;
	struct pollfd fds[] = {
		{ .fd = h->signal_fd, .events = POLLIN },
		{ .fd = h->stop_fd, .events = POLLIN },
		{ .fd = job_backlog_fd(h->options.backlog), .events = POLLIN },
	};

	while ((fds[1].revents & POLLIN) == 0) {
		int64_t now_us = clock_monotonic_us();

		health_beat(now_us);
		check_limits(h, now_us);
		job_backlog_release_due(
		    h->options.backlog, h->listen, h->arena, now_us);
		do_what_is_due(h, now_us);
		db_listen_wait(h->listen, fds, COUNT_OF(fds),
		    next_us(h, clock_monotonic_us()));
		read_signal(h);
		read_notifications(h);
		arena_reset(h->arena);
	}
	/*
	 * Another process may be flushing without the last counts of this
	 * process: wait until it has finished, then flush those counts.
	 */
	job_maintenance_flush_counts(h->maintenance, h->listen, h->arena,
	    h->options.service->database.statement_timeout_ms);
	return NULL;
}

static void
open_fds(struct job_heartbeat *h)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	h->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	h->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->signal_fd < 0 || h->stop_fd < 0) {
		log_event(LOG_ERROR, EVENT_HEARTBEAT_DESCRIPTORS_FAILED,
		    LOG_TEXT("error", strerror(errno)));
		abort();
	}
}

struct job_heartbeat *
job_heartbeat_start(const struct job_heartbeat_options *options)
{
	static const char *const channels[] = { "job", "job_cancel", NULL };
	struct job_heartbeat *h = calloc(1, sizeof(*h));

	if (h == NULL)
		abort();
	h->options = *options;
	h->state = options->state;
	h->drain_us = INT64_MAX;
	h->arena = arena_new();
	h->maintenance = job_maintenance_new(
	    options->service->config, options->service->set, options->counts);
	h->listen = db_listen_open(&options->service->database, channels);
	open_fds(h);
	if (pthread_create(&h->thread, NULL, run, h) != 0)
		abort();
	return h;
}

void
job_heartbeat_stop(struct job_heartbeat *h)
{
	const uint64_t one = 1;

	if (write(h->stop_fd, &one, sizeof(one)) != sizeof(one))
		abort();
	pthread_join(h->thread, NULL);
	close(h->signal_fd);
	close(h->stop_fd);
	db_listen_close(h->listen);
	job_maintenance_free(h->maintenance);
	arena_free(h->arena);
	free(h);
}

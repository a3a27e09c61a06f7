#include "process/workers.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "process/log_events.h"
#include "process/master.h"
#include "process/sockets.h"

enum {
	BACK_OFF_FIRST_US = 100 * 1000,
	BACK_OFF_MAX_US = 5 * 1000 * 1000,
	/* A worker that has lived this long did not fail at its start. */
	SETTLED_US = 10 * 1000 * 1000,
};

/* -- the table of workers -- */

static struct child *
find_pid(struct workers *ws, pid_t pid)
{
	for (int i = 0; i < ws->nchildren; i++) {
		if (ws->children[i].pid == pid)
			return &ws->children[i];
	}
	return NULL;
}

/*
 * Returns the child of the current generation that runs in this place; NULL
 * when one must be started.
 */
static const struct child *
find_filler(const struct workers *ws, const struct place *place)
{
	for (int i = 0; i < ws->nchildren; i++) {
		const struct child *c = &ws->children[i];

		if (c->place == place && !c->old && c->kill_at_us == 0)
			return c;
	}
	return NULL;
}

/* Whether a child of the old generation still serves in this place. */
static bool
has_old(const struct workers *ws, const struct place *place)
{
	for (int i = 0; i < ws->nchildren; i++) {
		const struct child *c = &ws->children[i];

		if (c->place == place && c->old && c->kill_at_us == 0)
			return true;
	}
	return false;
}

static struct place *
find_place(struct workers *ws, const char *pool, int index)
{
	for (int i = 0; i < ws->nplaces; i++) {
		struct place *p = &ws->places[i];

		if (p->index == index && str_eq(p->pool->name, pool))
			return p;
	}
	return NULL;
}

/*
 * Whether the child accepts connections.  A child of the old generation does,
 * too, until it is told to stop.
 */
static bool
serves(const struct child *c)
{
	return (c->ready || c->old) && c->kill_at_us == 0;
}

/* Reports the numbers of processes to metrics and health. */
static void
count_children(const struct workers *ws)
{
	for (int p = 0; p < ws->master->npools; p++) {
		const struct master_pool *pool = &ws->master->pools[p];
		struct metrics_pool n = {
			.wanted = (int)pool->processes,
			.serves = pool->listen != NULL,
		};

		for (int i = 0; i < ws->nchildren; i++) {
			const struct child *c = &ws->children[i];

			if (!str_eq(c->pool, pool->name))
				continue;
			n.alive++;
			n.ready += serves(c);
		}
		metrics_set_pool(pool->name, n);
	}
}

static struct child *
add_child(struct workers *ws, pid_t pid, const char *pool, int index)
{
	struct child *c = &ws->children[ws->nchildren];

	assert(ws->nchildren < RESTART_WORKERS_MAX);
	ws->nchildren++;
	*c = (struct child){
		.pid = pid,
		.index = index,
		.place = find_place(ws, pool, index),
	};
	restart_name_copy(c->pool, pool);
	return c;
}

static void
remove_child(struct workers *ws, struct child *c)
{
	metrics_end_process(c->pid);
	*c = ws->children[--ws->nchildren];
}

/* -- starting -- */

static void
back_off(struct place *place, int64_t now_us)
{
	int64_t delay_us = BACK_OFF_FIRST_US;

	for (int i = 1; i < place->failures && delay_us < BACK_OFF_MAX_US; i++)
		delay_us *= 2;
	if (place->failures == 0)
		delay_us = 0;
	else if (delay_us > BACK_OFF_MAX_US)
		delay_us = BACK_OFF_MAX_US;
	place->failures++;
	place->start_at_us = now_us + delay_us;
}

static void
start(struct workers *ws, struct place *place, int64_t now_us)
{
	struct child *c;
	pid_t pid;

	metrics_use_slot(place->pool->name, place->index);
	/*
	 * Write buffered output now, because the child would write a copy of
	 * it.
	 */
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		worker_run(ws, place);
	if (pid < 0) {
		log_event(LOG_ERROR, EVENT_WORKER_FORK_FAILED,
		    LOG_TEXT("error", strerror(errno)));
		back_off(place, now_us);
		return;
	}
	metrics_add(METRIC_WORKER_STARTS, 1);
	c = add_child(ws, pid, place->pool->name, place->index);
	c->started_at_us = now_us;
}

/* Whether the process in this place has no socket and runs jobs. */
static bool
is_background(const struct place *place)
{
	return place->listen_fd < 0;
}

/*
 * Whether a new child should be started in this place.  `old` says that a child
 * of the old generation still serves there.
 */
static bool
is_wanted(const struct workers *ws, const struct place *place, bool old)
{
	if (ws->stopping)
		return false;
	return !ws->stopping_background || (!old && !is_background(place));
}

/*
 * Starts new children.  A place in which no child serves gets one at once.
 * Places with a child of the old generation are renewed one after the other:
 * the next one when the new child of the previous one is ready.
 */
static void
start_due(struct workers *ws, int64_t now_us)
{
	bool hold = false;

	for (int i = 0; i < ws->nplaces; i++) {
		struct place *place = &ws->places[i];
		const struct child *filler = find_filler(ws, place);
		bool old = has_old(ws, place);

		if (filler != NULL) {
			hold |= old && !filler->ready;
			continue;
		}
		if (!is_wanted(ws, place, old) || (old && hold) ||
		    ws->nchildren == RESTART_WORKERS_MAX)
			continue;
		if (place->start_at_us <= now_us)
			start(ws, place, now_us);
		hold |= old;
	}
}

/* -- draining -- */

int
worker_drain_ms(const struct signalfd_siginfo *signal)
{
	return signal->ssi_code == SI_QUEUE && signal->ssi_int >= 0
	           ? signal->ssi_int
	           : -1;
}

static void
drain(struct workers *ws, struct child *c, int64_t now_us)
{
	if (c->kill_at_us != 0)
		return;
	c->kill_at_us = ws->stop_by_us != 0
	                    ? ws->stop_by_us
	                    : now_us + ws->master->drain_timeout_ms * 1000;
	/*
	 * The signal carries the time that the worker may still run; see
	 * worker_drain_ms().
	 */
	sigqueue(c->pid, SIGTERM,
	    (union sigval){
		.sival_int = (int)((c->kill_at_us - now_us) / 1000) });
}

/*
 * Drains children of the old generation: each one when a new child is ready in
 * its place, and all of them when a new child is ready in every place.
 */
static void
drain_replaced(struct workers *ws, int64_t now_us)
{
	bool all_ready = true;

	for (int i = 0; i < ws->nplaces; i++) {
		const struct child *filler = find_filler(ws, &ws->places[i]);

		all_ready &= filler != NULL && filler->ready;
	}
	for (int i = 0; i < ws->nchildren; i++) {
		struct child *c = &ws->children[i];
		const struct child *filler = NULL;

		if (!c->old)
			continue;
		if (c->place != NULL)
			filler = find_filler(ws, c->place);
		if (all_ready || (filler != NULL && filler->ready))
			drain(ws, c, now_us);
	}
}

static void
kill_late(struct workers *ws, int64_t now_us)
{
	for (int i = 0; i < ws->nchildren; i++) {
		struct child *c = &ws->children[i];

		if (c->kill_at_us == 0 || c->killed || c->kill_at_us > now_us)
			continue;
		log_event(LOG_WARN, EVENT_WORKER_KILLED, LOG_NUM("pid", c->pid),
		    LOG_TEXT("of_pool", c->pool), LOG_NUM("index", c->index));
		kill(c->pid, SIGKILL);
		c->killed = true;
	}
}

/* -- functions for the master -- */

static bool
init_places(struct workers *ws, const struct pool_socket *sockets)
{
	const struct master *m = ws->master;

	for (int i = 0; i < m->npools; i++) {
		const struct master_pool *pool = &m->pools[i];

		for (int n = 0; n < pool->processes; n++) {
			if (ws->nplaces == METRICS_SLOTS_MAX) {
				log_event(LOG_ERROR, EVENT_TOO_MANY_PROCESSES,
				    LOG_NUM("max", METRICS_SLOTS_MAX));
				return false;
			}
			ws->places[ws->nplaces] = (struct place){
				.pool = pool,
				.listen_fd = sockets[i].fd,
				.index = n,
				.slot = ws->nplaces,
			};
			ws->nplaces++;
		}
	}
	return true;
}

bool
workers_init(struct workers *ws, const struct master *m,
    const struct pool_socket *sockets, int signal_fd)
{
	const struct restart_worker *left;
	int n;

	*ws = (struct workers){
		.master = m,
		.master_pid = getpid(),
		.signal_fd = signal_fd,
	};
	if (!init_places(ws, sockets))
		return false;
	if (pipe2(ws->ready_fds, O_CLOEXEC | O_NONBLOCK) != 0) {
		log_event(LOG_ERROR, EVENT_PIPE_FAILED,
		    LOG_TEXT("error", strerror(errno)));
		return false;
	}
	n = restart_workers(&left);
	for (int i = 0; i < n; i++) {
		struct child *c =
		    add_child(ws, left[i].pid, left[i].pool, left[i].index);

		c->old = true;
		c->kill_at_us = left[i].kill_at_us;
	}
	return true;
}

void
workers_release(struct workers *ws)
{
	close(ws->ready_fds[0]);
	close(ws->ready_fds[1]);
}

void
workers_tick(struct workers *ws, int64_t now_us)
{
	if (!ws->stopping_background)
		drain_replaced(ws, now_us);
	start_due(ws, now_us);
	kill_late(ws, now_us);
	count_children(ws);
}

int64_t
workers_next_us(const struct workers *ws, int64_t now_us)
{
	int64_t next_us = INT64_MAX;

	for (int i = 0; i < ws->nchildren; i++) {
		int64_t at_us = ws->children[i].kill_at_us;

		if (at_us > now_us && at_us < next_us)
			next_us = at_us;
	}
	/*
	 * A start whose time has come but which has not been made yet waits for
	 * another child to become ready; no timer is needed for it.
	 */
	for (int i = 0; i < ws->nplaces; i++) {
		const struct place *place = &ws->places[i];
		int64_t at_us = place->start_at_us;

		if (at_us > now_us && at_us < next_us &&
		    is_wanted(ws, place, has_old(ws, place)))
			next_us = at_us;
	}
	return next_us;
}

void
workers_read_ready(struct workers *ws, int64_t now_us)
{
	pid_t pid;

	while (read(ws->ready_fds[0], &pid, sizeof(pid)) == sizeof(pid)) {
		struct child *c = find_pid(ws, pid);

		if (c == NULL)
			continue;
		c->ready = true;
		log_event(LOG_INFO, EVENT_WORKER_READY,
		    LOG_TEXT("of_pool", c->pool), LOG_NUM("index", c->index),
		    LOG_NUM("pid", pid),
		    LOG_NUM("ms", (now_us - c->started_at_us) / 1000));
	}
}

static void
log_end(const struct child *c, int status)
{
	bool by_signal = WIFSIGNALED(status);
	enum log_level level = LOG_WARN;

	if (c->kill_at_us != 0 && !by_signal && WEXITSTATUS(status) == 0)
		level = LOG_INFO;
	log_event(level,
	    c->kill_at_us != 0 ? EVENT_WORKER_EXITED : EVENT_WORKER_CRASHED,
	    LOG_TEXT("of_pool", c->pool), LOG_NUM("index", c->index),
	    LOG_NUM("pid", c->pid),
	    LOG_NUM(by_signal ? "signal" : "status",
		by_signal ? WTERMSIG(status) : WEXITSTATUS(status)));
}

bool
workers_ended(struct workers *ws, pid_t pid, int status, int64_t now_us)
{
	struct child *c = find_pid(ws, pid);
	struct place *place;

	if (c == NULL)
		return false;
	log_end(c, status);
	place = c->place;
	if (c->kill_at_us == 0) {
		metrics_use_slot(c->pool, c->index);
		metrics_add(METRIC_WORKER_DEATHS, 1);
		if (place != NULL && !c->old) {
			if (now_us - c->started_at_us >= SETTLED_US)
				place->failures = 0;
			back_off(place, now_us);
		}
	}
	remove_child(ws, c);
	return true;
}

void
workers_stop_background(struct workers *ws, int64_t now_us)
{
	ws->stopping_background = true;
	ws->stop_by_us = now_us + ws->master->drain_timeout_ms * 1000;
	for (int i = 0; i < ws->nchildren; i++) {
		struct child *c = &ws->children[i];

		if (c->place != NULL && is_background(c->place))
			drain(ws, c, now_us);
	}
}

bool
workers_background(const struct workers *ws)
{
	for (int i = 0; i < ws->nchildren; i++) {
		const struct child *c = &ws->children[i];

		if (c->place != NULL && is_background(c->place))
			return true;
	}
	return false;
}

void
workers_stop(struct workers *ws, int64_t now_us)
{
	ws->stopping_background = true;
	ws->stopping = true;
	for (int i = 0; i < ws->nchildren; i++)
		drain(ws, &ws->children[i], now_us);
}

bool
workers_rolling(const struct workers *ws)
{
	for (int i = 0; i < ws->nchildren; i++) {
		if (ws->children[i].old && ws->children[i].kill_at_us == 0)
			return true;
	}
	return false;
}

int
workers_save(
    const struct workers *ws, struct restart_worker out[RESTART_WORKERS_MAX])
{
	for (int i = 0; i < ws->nchildren; i++) {
		const struct child *c = &ws->children[i];

		out[i] = (struct restart_worker){
			.index = c->index,
			.pid = c->pid,
			.kill_at_us = c->kill_at_us,
		};
		restart_name_copy(out[i].pool, c->pool);
	}
	return ws->nchildren;
}

bool
workers_are_ready(const struct workers *ws, char *status, size_t size)
{
	int ready = 0;
	bool all = true;

	for (int p = 0; p < ws->master->npools; p++) {
		const struct master_pool *pool = &ws->master->pools[p];
		int n = 0;

		for (int i = 0; i < ws->nchildren; i++)
			n += str_eq(ws->children[i].pool, pool->name) &&
			     serves(&ws->children[i]);
		ready += n;
		all &= n > 0 || pool->processes == 0;
	}
	snprintf(
	    status, size, "%d of %d processes are ready", ready, ws->nplaces);
	return all;
}

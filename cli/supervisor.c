#include "supervisor.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"

#include "child.h"
#include "record.h"
#include "report.h"
#include "rotate.h"
#include "say.h"

/* How long a child may take the first time; a step takes what it takes. */
static const int64_t start_timeout_us = 60 * 1000 * 1000;
/* A child that served this long has a clean slate. */
static const int64_t settled_us = 10 * 1000 * 1000;
static const int64_t backoff_first_us = 100 * 1000;
static const int64_t backoff_max_us = 5 * 1000 * 1000;
/* Between two looks at what cannot be waited for. */
static const int64_t tick_us = 4 * 1000;
/* The same for what did not come about within a while. */
static const int64_t slow_tick_us = 100 * 1000;
static const int64_t a_while_us = 2 * 1000 * 1000;
/* Between two looks at the size of the logs. */
static const int64_t rotate_us = 2 * 1000 * 1000;

struct loop {
	struct supervisor *s;
	int signal_fd;
	int64_t now_us;
	bool announced; /* everything has been ready once */
	bool failed;
	bool stopping;
	bool hurried; /* kill instead of asking */
	enum child_stop_stage stage;
	bool changed; /* the record is behind */
	int64_t rotate_at_us;
};

static void
set_state(struct loop *l, struct child *c, enum child_state state)
{
	c->state = state;
	c->changed_us = l->now_us;
	l->changed = true;
}

static void
begin_stop(struct loop *l)
{
	int i;

	l->stopping = true;
	l->stage = CHILD_STOP_EDGE;
	for (i = 0; i < l->s->nchildren; i++)
		if (l->s->children[i].pid == 0)
			set_state(l, &l->s->children[i], CHILD_STOPPED);
}

static void
fail(struct loop *l)
{
	l->failed = true;
	if (!l->stopping)
		begin_stop(l);
}

/* Starting */

static int64_t
backoff_us(int deaths_in_a_row)
{
	int64_t us = backoff_first_us;

	/* The first is started again at once. */
	if (deaths_in_a_row <= 1)
		return 0;
	for (; deaths_in_a_row > 2 && us < backoff_max_us; deaths_in_a_row--)
		us *= 2;
	return us < backoff_max_us ? us : backoff_max_us;
}

/* After one more end, or a start that did not come about. */
static void
start_later(struct loop *l, struct child *c)
{
	c->deaths_in_a_row++;
	c->start_at_us = l->now_us + backoff_us(c->deaths_in_a_row);
	set_state(l, c, CHILD_WAITING);
}

static bool
may_start(const struct loop *l, const struct child *c)
{
	int i;

	if (c->state != CHILD_WAITING || l->now_us < c->start_at_us)
		return false;
	for (i = 0; i < c->nneeds; i++)
		if (c->needs[i]->state != CHILD_READY)
			return false;
	return true;
}

static void
start_due(struct loop *l)
{
	struct child *c;
	int i;

	for (i = 0; i < l->s->nchildren && !l->stopping; i++) {
		c = &l->s->children[i];
		if (!may_start(l, c))
			continue;
		/* What the last one left running would be in its way. */
		if (c->restarts > 0 &&
		    !child_kill_strays(l->s->children, l->s->nchildren))
			continue;
		l->changed = true;
		if (child_spawn(c))
			continue;
		/* Everything has worked once: it may come back. */
		if (l->announced)
			start_later(l, c);
		else
			fail(l);
	}
}

/* How soon a child that is not where it should be is looked at again. */
static int64_t
pace_us(const struct loop *l, const struct child *c)
{
	return l->now_us - c->changed_us < a_while_us ? tick_us : slow_tick_us;
}

static void
probe_starting(struct loop *l)
{
	struct child *c;
	int i;

	for (i = 0; i < l->s->nchildren && !l->stopping; i++) {
		c = &l->s->children[i];
		if (c->state != CHILD_STARTING || c->once ||
		    l->now_us < c->probe_at_us)
			continue;
		c->probe_at_us = l->now_us + pace_us(l, c);
		if (probe_step(&c->probe, c->pid, l->now_us)) {
			probe_reset(&c->probe);
			set_state(l, c, CHILD_READY);
		}
	}
}

/* The first that should serve by now; NULL for none. */
static const struct child *
find_slow(const struct loop *l)
{
	const struct child *c;
	int i;

	for (i = 0; i < l->s->nchildren; i++) {
		c = &l->s->children[i];
		if (c->state == CHILD_STARTING && !c->once &&
		    l->now_us - c->changed_us > start_timeout_us)
			return c;
	}
	return NULL;
}

static void
check_ready(struct loop *l)
{
	int i;

	if (l->announced || l->stopping)
		return;
	for (i = 0; i < l->s->nchildren; i++)
		if (l->s->children[i].state != CHILD_READY)
			break;
	if (i == l->s->nchildren) {
		l->announced = true;
		if (!record_write(l->s))
			fail(l);
		else
			l->s->ready(l->s->ctx);
	} else if (find_slow(l) != NULL) {
		report_slow_start(l->s->dir, find_slow(l));
		fail(l);
	}
}

/* Ends */

static void
restart(struct loop *l, struct child *c, pid_t pid)
{
	bool settled =
	    c->state == CHILD_READY && l->now_us - c->changed_us > settled_us;

	if (settled)
		c->deaths_in_a_row = 0;
	c->restarts++;
	report_restart(c, pid);
	start_later(l, c);
}

static void
note_end(struct loop *l, struct child *c, int status)
{
	pid_t pid = c->pid;

	c->pid = 0;
	c->status = status;
	probe_reset(&c->probe);
	if (l->stopping) {
		set_state(l, c, CHILD_STOPPED);
	} else if (c->once && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		set_state(l, c, CHILD_READY);
	} else if (!l->announced) {
		report_failed_start(l->s->dir, c);
		set_state(l, c, CHILD_STOPPED);
		fail(l);
	} else {
		restart(l, c, pid);
	}
}

static struct child *
find_child(struct loop *l, pid_t pid)
{
	int i;

	for (i = 0; i < l->s->nchildren; i++)
		if (l->s->children[i].pid == pid)
			return &l->s->children[i];
	return NULL;
}

/*
 * The group is killed before its leader is reaped: until then, no other
 * process can have got the number.
 */
static void
reap(struct loop *l)
{
	struct child *c;
	siginfo_t info;
	int status;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) ==
			-1 ||
		    info.si_pid == 0)
			return;
		c = find_child(l, info.si_pid);
		if (c != NULL)
			(void)kill(-info.si_pid, SIGKILL);
		if (waitpid(info.si_pid, &status, 0) == info.si_pid &&
		    c != NULL)
			note_end(l, c, status);
	}
}

/* Stopping */

static bool
stage_is_over(const struct loop *l)
{
	int i;

	for (i = 0; i < l->s->nchildren; i++)
		if (l->s->children[i].pid != 0 &&
		    l->s->children[i].stop_stage == l->stage)
			return false;
	return true;
}

static void
ask_to_stop(struct loop *l, struct child *c)
{
	if (l->hurried || l->now_us > c->stop_by_us) {
		(void)kill(-c->pid, SIGKILL);
		return;
	}
	if (c->state == CHILD_STOPPING)
		return;
	(void)kill(c->pid, c->stop_signal);
	/* One that is frozen would not hear it. */
	(void)kill(-c->pid, SIGCONT);
	set_state(l, c, CHILD_STOPPING);
}

static void
stop_stage(struct loop *l)
{
	struct child *c;
	int i;

	while (l->stage < CHILD_STOP__MAX && stage_is_over(l))
		l->stage++;
	for (i = 0; i < l->s->nchildren; i++) {
		c = &l->s->children[i];
		if (c->pid == 0 || c->stop_stage != l->stage)
			continue;
		if (c->state != CHILD_STOPPING)
			c->stop_by_us = l->now_us + c->stop_timeout_ms * 1000;
		ask_to_stop(l, c);
	}
}

/* The loop */

static void
stop_by_signal(struct loop *l)
{
	if (!l->announced) {
		complain("stopped before everything was ready");
		l->failed = true;
	}
	begin_stop(l);
}

static void
read_signals(struct loop *l)
{
	struct signalfd_siginfo info;

	while (
	    read(l->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue; /* reap() looks for itself */
		/* Asked again at the keyboard: somebody is in a hurry. */
		if (l->stopping)
			l->hurried = l->hurried || info.ssi_signo == SIGINT;
		else
			stop_by_signal(l);
	}
}

/* Milliseconds to wait. */
static int
timeout_ms(const struct loop *l)
{
	const struct child *c;
	int64_t wait_us = -1;
	int64_t due_us;
	int i;

	if (l->stopping)
		return 20;
	for (i = 0; i < l->s->nchildren; i++) {
		c = &l->s->children[i];
		if (c->state == CHILD_STARTING && !c->once)
			due_us = c->probe_at_us - l->now_us;
		else if (c->state == CHILD_WAITING && l->announced)
			due_us = c->start_at_us - l->now_us;
		else
			continue;
		if (due_us <= 0)
			due_us = pace_us(l, c);
		if (wait_us == -1 || due_us < wait_us)
			wait_us = due_us;
	}
	if (!l->announced && (wait_us == -1 || wait_us > 1000000))
		wait_us = 1000000;
	due_us = l->rotate_at_us - l->now_us;
	if (wait_us == -1 || wait_us > due_us)
		wait_us = due_us > 0 ? due_us : 0;
	return (int)((wait_us + 999) / 1000);
}

static void
wait_for_news(struct loop *l)
{
	/* No events asked for: only that the other end is gone. */
	struct pollfd fds[2] = {
		{ .fd = l->signal_fd, .events = POLLIN },
		{ .fd = l->announced ? -1 : l->s->starter_fd },
	};

	if (poll(fds, COUNT_OF(fds), timeout_ms(l)) > 0 &&
	    (fds[1].revents & (POLLERR | POLLHUP)) != 0 && !l->stopping)
		fail(l);
}

static bool
is_over(const struct loop *l)
{
	return l->stopping && l->stage == CHILD_STOP__MAX &&
	       child_kill_strays(l->s->children, l->s->nchildren);
}

/* Ours as well: what the supervisor says is in a log of its own. */
static void
rotate_logs(struct loop *l)
{
	struct arena *a;
	int i;

	if (l->now_us < l->rotate_at_us)
		return;
	l->rotate_at_us = l->now_us + rotate_us;
	a = arena_new();
	rotate_log(a, "log/kedge.log");
	for (i = 0; i < l->s->nchildren; i++)
		if (l->s->children[i].log != NULL)
			rotate_log(a, l->s->children[i].log);
	arena_free(a);
}

static void
run_loop(struct loop *l)
{
	while (!is_over(l)) {
		wait_for_news(l);
		l->now_us = clock_monotonic_us();
		read_signals(l);
		reap(l);
		rotate_logs(l);
		if (l->stopping) {
			stop_stage(l);
		} else {
			probe_starting(l);
			start_due(l);
			check_ready(l);
		}
		if (l->changed)
			l->changed = !record_write(l->s);
	}
}

static int
watch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/*
	 * What is ignored never gets here, and a shell may have left them so.
	 * SIGHUP stays as it is: nohup(1) means it.
	 */
	(void)signal(SIGCHLD, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int
supervisor_run(struct supervisor *s)
{
	struct loop l = {
		.s = s,
		.signal_fd = watch_signals(),
		.now_us = clock_monotonic_us(),
	};

	assert(l.signal_fd != -1);
	/* Grandchildren whose parent is killed come to us, not to init. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1) {
		complain("cannot become a sub-reaper: %s", strerror(errno));
		return 1;
	}
	start_due(&l);
	run_loop(&l);
	close(l.signal_fd);
	return l.failed ? 1 : 0;
}

#include "lifecycle.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "process.h"
#include "report.h"

/* How long a process may take to become ready after its first start. */
static const int64_t start_timeout_us = 60 * 1000 * 1000;
/*
 * After a process has been ready for this long, its earlier deaths are not
 * counted any more.
 */
static const int64_t settled_us = 10 * 1000 * 1000;
static const int64_t backoff_first_us = 100 * 1000;
static const int64_t backoff_max_us = 5 * 1000 * 1000;
/*
 * The interval between two checks of something that sends no event, such as the
 * probe of a process.
 */
static const int64_t tick_us = 4 * 1000;
/*
 * The interval between two such checks, once a process has been in its state
 * for longer than slow_us.
 */
static const int64_t slow_tick_us = 100 * 1000;
static const int64_t slow_us = 2 * 1000 * 1000;
static void
set_state(struct lifecycle *l, struct process *c, enum process_state state)
{
	c->state = state;
	c->changed_us = l->now_us;
	l->changed = true;
}

void
lifecycle_begin_stop(struct lifecycle *l)
{
	int i;

	l->stopping = true;
	l->stage = PROCESS_STOP_EDGE;
	for (i = 0; i < l->nprocesses; i++)
		if (l->processes[i].pid == 0)
			set_state(l, &l->processes[i], PROCESS_STOPPED);
}

void
lifecycle_fail(struct lifecycle *l)
{
	l->failed = true;
	if (!l->stopping)
		lifecycle_begin_stop(l);
}

/* -- starting -- */

static int64_t
backoff_us(int deaths_in_a_row)
{
	int64_t us = backoff_first_us;

	/*
	 * After the first death of a process it is started again without delay.
	 */
	if (deaths_in_a_row <= 1)
		return 0;
	for (; deaths_in_a_row > 2 && us < backoff_max_us; deaths_in_a_row--)
		us *= 2;
	return us < backoff_max_us ? us : backoff_max_us;
}

/* Called after a process has ended or could not be started. */
static void
start_later(struct lifecycle *l, struct process *c)
{
	c->deaths_in_a_row++;
	c->start_at_us = l->now_us + backoff_us(c->deaths_in_a_row);
	set_state(l, c, PROCESS_WAITING);
}

static bool
may_start(const struct lifecycle *l, const struct process *c)
{
	int i;

	if (c->state != PROCESS_WAITING || l->now_us < c->start_at_us)
		return false;
	for (i = 0; i < c->nneeds; i++)
		if (c->needs[i]->state != PROCESS_READY)
			return false;
	return true;
}

void
lifecycle_start_due(struct lifecycle *l)
{
	struct process *c;
	int i;

	for (i = 0; i < l->nprocesses && !l->stopping; i++) {
		c = &l->processes[i];
		if (!may_start(l, c))
			continue;
		/* Descendants of the process that has ended must end first. */
		if (c->restarts > 0 &&
		    !process_kill_orphans(l->processes, l->nprocesses))
			continue;
		l->changed = true;
		if (process_spawn(c))
			continue;
		/*
		 * Once all processes have been ready, a failed start is not
		 * fatal: a later one may succeed.
		 */
		if (l->announced)
			start_later(l, c);
		else
			lifecycle_fail(l);
	}
}

/* How soon the probe of a process that is not ready is repeated. */
static int64_t
check_interval_us(const struct lifecycle *l, const struct process *c)
{
	return l->now_us - c->changed_us < slow_us ? tick_us : slow_tick_us;
}

void
lifecycle_probe_starting(struct lifecycle *l)
{
	struct process *c;
	int i;

	for (i = 0; i < l->nprocesses && !l->stopping; i++) {
		c = &l->processes[i];
		if (c->state != PROCESS_STARTING || c->once ||
		    l->now_us < c->probe_at_us)
			continue;
		c->probe_at_us = l->now_us + check_interval_us(l, c);
		if (probe_step(&c->probe, c->pid, l->now_us)) {
			probe_reset(&c->probe);
			set_state(l, c, PROCESS_READY);
		}
	}
}

const struct process *
lifecycle_find_slow(const struct lifecycle *l)
{
	const struct process *c;
	int i;

	for (i = 0; i < l->nprocesses; i++) {
		c = &l->processes[i];
		if (c->state == PROCESS_STARTING && !c->once &&
		    l->now_us - c->changed_us > start_timeout_us)
			return c;
	}
	return NULL;
}

/* -- the end of a process -- */

static void
restart(struct lifecycle *l, struct process *c, pid_t pid)
{
	bool settled =
	    c->state == PROCESS_READY && l->now_us - c->changed_us > settled_us;

	if (settled)
		c->deaths_in_a_row = 0;
	c->restarts++;
	report_restart(c, pid);
	start_later(l, c);
}

static void
handle_end(struct lifecycle *l, struct process *c, int status)
{
	pid_t pid = c->pid;

	c->pid = 0;
	c->status = status;
	probe_reset(&c->probe);
	if (l->stopping) {
		set_state(l, c, PROCESS_STOPPED);
	} else if (c->once && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		set_state(l, c, PROCESS_READY);
	} else if (!l->announced) {
		report_failed_start(l->dir, c);
		set_state(l, c, PROCESS_STOPPED);
		lifecycle_fail(l);
	} else {
		restart(l, c, pid);
	}
}

static struct process *
find_process(struct lifecycle *l, pid_t pid)
{
	int i;

	for (i = 0; i < l->nprocesses; i++)
		if (l->processes[i].pid == pid)
			return &l->processes[i];
	return NULL;
}

/*
 * Kills the process group before it reaps the leader: until the leader is
 * reaped, its process id cannot be given to another process.
 */
void
lifecycle_reap(struct lifecycle *l)
{
	struct process *c;
	siginfo_t info;
	int status;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) ==
			-1 ||
		    info.si_pid == 0)
			return;
		c = find_process(l, info.si_pid);
		if (c != NULL)
			(void)kill(-info.si_pid, SIGKILL);
		if (waitpid(info.si_pid, &status, 0) == info.si_pid &&
		    c != NULL)
			handle_end(l, c, status);
	}
}

/* -- stopping -- */

static bool
stage_is_over(const struct lifecycle *l)
{
	int i;

	for (i = 0; i < l->nprocesses; i++)
		if (l->processes[i].pid != 0 &&
		    l->processes[i].stop_stage == l->stage)
			return false;
	return true;
}

static void
ask_to_stop(struct lifecycle *l, struct process *c)
{
	if (l->kill_now || l->now_us > c->stop_by_us) {
		(void)kill(-c->pid, SIGKILL);
		return;
	}
	if (c->state == PROCESS_STOPPING)
		return;
	(void)kill(c->pid, c->stop_signal);
	/*
	 * A process that SIGSTOP has suspended must continue to handle the
	 * signal.
	 */
	(void)kill(-c->pid, SIGCONT);
	set_state(l, c, PROCESS_STOPPING);
}

void
lifecycle_stop_stage(struct lifecycle *l)
{
	struct process *c;
	int i;

	while (l->stage < PROCESS_STOP__MAX && stage_is_over(l))
		l->stage++;
	for (i = 0; i < l->nprocesses; i++) {
		c = &l->processes[i];
		if (c->pid == 0 || c->stop_stage != l->stage)
			continue;
		if (c->state != PROCESS_STOPPING)
			c->stop_by_us = l->now_us + c->stop_timeout_ms * 1000;
		ask_to_stop(l, c);
	}
}

/* -- waiting -- */

int64_t
lifecycle_wait_us(const struct lifecycle *l)
{
	const struct process *c;
	int64_t wait_us = -1;
	int64_t due_us;
	int i;

	for (i = 0; i < l->nprocesses; i++) {
		c = &l->processes[i];
		if (c->state == PROCESS_STARTING && !c->once)
			due_us = c->probe_at_us - l->now_us;
		else if (c->state == PROCESS_WAITING && l->announced)
			due_us = c->start_at_us - l->now_us;
		else
			continue;
		if (due_us <= 0)
			due_us = check_interval_us(l, c);
		if (wait_us == -1 || due_us < wait_us)
			wait_us = due_us;
	}
	return wait_us;
}

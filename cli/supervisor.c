#include "supervisor.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"

#include "lifecycle.h"
#include "message.h"
#include "process.h"
#include "record.h"
#include "report.h"
#include "rotate.h"

enum {
	SECOND_US = 1000 * 1000,
	/* how often the size of the logs is checked */
	ROTATE_CHECK_US = 2 * SECOND_US,
	STOP_TICK_MS = 20,
};

struct loop {
	struct supervisor *s;
	struct lifecycle life;
	int signal_fd;
	int64_t rotate_at_us;
};

static void
check_ready(struct loop *l)
{
	int i;

	if (l->life.announced || l->life.stopping)
		return;
	for (i = 0; i < l->s->nprocesses; i++)
		if (l->s->processes[i].state != PROCESS_READY)
			break;
	if (i == l->s->nprocesses) {
		l->life.announced = true;
		if (!record_write(l->s->url, l->s->processes, l->s->nprocesses))
			lifecycle_fail(&l->life);
		else
			l->s->ready(l->s->ctx);
	} else if (lifecycle_find_slow(&l->life) != NULL) {
		report_slow_start(l->s->dir, lifecycle_find_slow(&l->life));
		lifecycle_fail(&l->life);
	}
}

static void
stop_by_signal(struct loop *l)
{
	if (!l->life.announced) {
		print_error("stopped before everything was ready");
		l->life.failed = true;
	}
	lifecycle_begin_stop(&l->life);
}

static void
read_signals(struct loop *l)
{
	struct signalfd_siginfo info;

	while (
	    read(l->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			/*
			 * lifecycle_reap() asks the kernel which process has
			 * ended
			 */
			continue;
		/*
		 * SIGINT while the stack stops, for example a second Ctrl-C:
		 * kill everything at once.
		 */
		if (l->life.stopping)
			l->life.kill_now =
			    l->life.kill_now || info.ssi_signo == SIGINT;
		else
			stop_by_signal(l);
	}
}

static int
timeout_ms(const struct loop *l)
{
	int64_t wait_us;
	int64_t rotate_us;

	if (l->life.stopping)
		return STOP_TICK_MS;
	wait_us = lifecycle_wait_us(&l->life);
	/* The loop must wake up to notice a start that takes too long. */
	if (!l->life.announced && (wait_us == -1 || wait_us > SECOND_US))
		wait_us = SECOND_US;
	rotate_us = l->rotate_at_us - l->life.now_us;
	if (wait_us == -1 || wait_us > rotate_us)
		wait_us = rotate_us > 0 ? rotate_us : 0;
	return (int)((wait_us + 999) / 1000);
}

static void
wait_for_event(struct loop *l)
{
	/*
	 * With `events` 0, poll() reports only that the other end of the pipe
	 * was closed.
	 */
	struct pollfd fds[2] = {
		{ .fd = l->signal_fd, .events = POLLIN },
		{ .fd = l->life.announced ? -1 : l->s->starter_fd },
	};

	if (poll(fds, COUNT_OF(fds), timeout_ms(l)) > 0 &&
	    (fds[1].revents & (POLLERR | POLLHUP)) != 0 && !l->life.stopping)
		lifecycle_fail(&l->life);
}

static bool
is_over(const struct loop *l)
{
	return l->life.stopping && l->life.stage == PROCESS_STOP__MAX &&
	       process_kill_orphans(l->s->processes, l->s->nprocesses);
}

/* Rotates the logs of all processes, and the supervisor's own log. */
static void
rotate_logs(struct loop *l)
{
	struct arena *a;
	int i;

	if (l->life.now_us < l->rotate_at_us)
		return;
	l->rotate_at_us = l->life.now_us + ROTATE_CHECK_US;
	a = arena_new();
	rotate_log(a, "log/kedge.log");
	for (i = 0; i < l->s->nprocesses; i++)
		if (l->s->processes[i].log != NULL)
			rotate_log(a, l->s->processes[i].log);
	arena_free(a);
}

static void
run_loop(struct loop *l)
{
	while (!is_over(l)) {
		wait_for_event(l);
		l->life.now_us = clock_monotonic_us();
		read_signals(l);
		lifecycle_reap(&l->life);
		rotate_logs(l);
		if (l->life.stopping) {
			lifecycle_stop_stage(&l->life);
		} else {
			lifecycle_probe_starting(&l->life);
			lifecycle_start_due(&l->life);
			check_ready(l);
		}
		if (l->life.changed)
			l->life.changed = !record_write(
			    l->s->url, l->s->processes, l->s->nprocesses);
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
	 * The shell may have started us with ignored signals, and signalfd does
	 * not report ignored signals. SIGHUP stays ignored if it is: nohup(1)
	 * relies on that.
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
		.life = { .dir = s->dir,
		    .processes = s->processes,
		    .nprocesses = s->nprocesses,
		    .now_us = clock_monotonic_us() },
		.signal_fd = watch_signals(),
	};

	assert(l.signal_fd != -1);
	/*
	 * Descendants whose parent dies become children of this process, not of
	 * init.
	 */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1) {
		print_error(
		    "cannot set PR_SET_CHILD_SUBREAPER: %s", strerror(errno));
		return 1;
	}
	lifecycle_start_due(&l.life);
	run_loop(&l);
	close(l.signal_fd);
	return l.life.failed ? 1 : 0;
}

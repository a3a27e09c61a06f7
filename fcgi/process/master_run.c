#include "process/master.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/health.h"
#include "base/log.h"
#include "base/metrics.h"
#include "process/log_events.h"
#include "process/notify.h"
#include "process/restart.h"
#include "process/sockets.h"
#include "process/workers.h"

enum { CHECK_TIMEOUT_US = 30 * 1000 * 1000, STATUS_SIZE = 64 };

struct run {
	const struct master *m;
	char **argv;
	char *binary; /* the path of the binary that a restart executes */
	int signal_fd;
	struct pool_socket sockets[METRICS_SLOTS_MAX];
	struct workers workers;
	bool rolling; /* a rolling restart is under way */
	bool stopping;
	bool closed; /* the listening sockets have been closed */
	int64_t door_us; /* when the sockets must be closed, if stopping */

	pid_t check_pid; /* the process `binary --check`; 0: there is none */
	int64_t check_until_us;
	bool check_again; /* check once more after the running check */

	/* The status text that was last sent to systemd. */
	bool told_ready;
	bool told_stuck;
	char status[STATUS_SIZE]; /* the last reported status */
	int64_t watchdog_us; /* 0: systemd's watchdog is off */
	int64_t alive_us; /* when to report to the watchdog next */
};

/*
 * Determines the path of the binary for a later restart.  It must be determined
 * at the start: after an upgrade /proc/self/exe names a deleted file.  A
 * relative path is resolved against the current directory.  Symbolic links in
 * argv[0] are not resolved, because changing a link is one way to upgrade.
 */
static char *
find_binary(const char *argv0)
{
	char dir[PATH_MAX], *path = NULL;
	ssize_t n;

	if (argv0 == NULL || strchr(argv0, '/') == NULL) {
		n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
		if (n <= 0)
			return NULL;
		dir[n] = '\0';
		return strdup(dir);
	}
	if (argv0[0] == '/')
		return strdup(argv0);
	if (getcwd(dir, sizeof(dir)) == NULL ||
	    asprintf(&path, "%s/%s", dir, argv0) < 0)
		return NULL;
	return path;
}

/*
 * Signals are read from a descriptor, one at a time, so that no signal handler
 * interrupts other code.  The signal mask and pending signals survive execve(),
 * so no signal is lost while a new binary starts.
 */
static int
open_signals(void)
{
	static const int defaults[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t mask;

	sigemptyset(&mask);
	for (size_t i = 0; i < COUNT_OF(defaults); i++)
		sigaddset(&mask, defaults[i]);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	for (size_t i = 0; i < COUNT_OF(defaults); i++)
		sigaction(defaults[i], &dfl, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* -- rolling restart -- */

static NORETURN void
check_run(const struct run *r, pid_t master_pid)
{
	char option[] = "--check";
	char *argv[] = { r->argv[0], option, r->argv[1], NULL };
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != master_pid)
		_exit(1);
	sigaction(SIGPIPE, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(r->binary, argv);
	_exit(127);
}

static void
check_start(struct run *r, int64_t now_us)
{
	pid_t master_pid = getpid();

	if (r->check_pid != 0) {
		r->check_again = true;
		return;
	}
	r->check_again = false;
	r->check_pid = fork();
	if (r->check_pid == 0)
		check_run(r, master_pid);
	if (r->check_pid < 0) {
		log_event(LOG_ERROR, EVENT_RESTART_FORK_FAILED,
		    LOG_TEXT("error", strerror(errno)));
		r->check_pid = 0;
		return;
	}
	notify_reloading();
	r->told_ready = false;
	r->check_until_us = now_us + CHECK_TIMEOUT_US;
	log_event(LOG_INFO, EVENT_RESTART_STARTED, LOG_TEXT("path", r->binary));
}

/*
 * Executes the binary in place of this process.  Returns only when that fails.
 */
static void
execute(struct run *r)
{
	static struct restart_worker left[RESTART_WORKERS_MAX];
	int n = workers_save(&r->workers, left);

	restart_exec(r->binary, r->argv, left, n);
	log_event(LOG_ERROR, EVENT_RESTART_EXEC_FAILED,
	    LOG_TEXT("path", r->binary), LOG_TEXT("error", strerror(errno)));
}

static void
check_ended(struct run *r, int status, int64_t now_us)
{
	r->check_pid = 0;
	if (r->stopping)
		return;
	if (r->check_again) {
		check_start(r, now_us);
	} else if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		execute(r);
	} else {
		log_event(LOG_ERROR, EVENT_RESTART_CHECK_FAILED,
		    LOG_TEXT("path", r->binary),
		    LOG_NUM(WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status)
					    : WEXITSTATUS(status)));
	}
}

static void
check_late(struct run *r, int64_t now_us)
{
	if (r->check_pid != 0 && r->check_until_us <= now_us) {
		kill(r->check_pid, SIGKILL);
		r->check_until_us = INT64_MAX;
	}
}

/* -- the event loop -- */

static void
stop(struct run *r, int64_t now_us)
{
	if (r->stopping)
		return;
	log_event(LOG_INFO, EVENT_SERVICE_DRAINING,
	    LOG_NUM("workers", r->workers.nchildren));
	r->stopping = true;
	r->door_us = now_us + r->m->drain_timeout_ms * 1000 / 2;
	health_set_draining();
	notify_stopping();
	if (r->check_pid != 0)
		kill(r->check_pid, SIGKILL);
	workers_stop_background(&r->workers, now_us);
}

/*
 * When stopping, closes the listening sockets as soon as no worker runs jobs
 * any more: a job may take until the deadline, and meanwhile requests can be
 * served.  But the sockets are closed after half of the time at the latest,
 * because requests and jobs have the same deadline.
 */
static void
close_door(struct run *r, int64_t now_us)
{
	if (!r->stopping || r->closed ||
	    (workers_background(&r->workers) && now_us < r->door_us))
		return;
	r->closed = true;
	/*
	 * From now on connections are refused at once, instead of waiting for a
	 * worker that will not come.
	 */
	sockets_close(r->sockets, r->m->npools);
	workers_stop(&r->workers, now_us);
}

static void
reap(struct run *r, int64_t now_us)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == r->check_pid)
			check_ended(r, status, now_us);
		else
			workers_ended(&r->workers, pid, status, now_us);
	}
}

static void
read_signals(struct run *r, int64_t now_us)
{
	struct signalfd_siginfo info;

	while (read(r->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGTERM:
		case SIGINT:
			stop(r, now_us);
			break;
		case SIGHUP:
			if (!r->stopping)
				check_start(r, now_us);
			break;
		case SIGCHLD:
			reap(r, now_us);
			break;
		}
	}
}

static int
timeout_ms(const struct run *r, int64_t now_us)
{
	int64_t next_us = workers_next_us(&r->workers, now_us);

	if (r->check_pid != 0 && r->check_until_us < next_us)
		next_us = r->check_until_us;
	if (r->stopping && !r->closed && r->door_us < next_us)
		next_us = r->door_us;
	if (r->watchdog_us != 0 && r->alive_us < next_us)
		next_us = r->alive_us;
	if (next_us == INT64_MAX)
		return -1;
	next_us -= now_us;
	if (next_us < 0)
		return 0;
	return next_us > 3600 * 1000000LL ? 3600 * 1000
	                                  : (int)((next_us + 999) / 1000);
}

static void
log_rolled(struct run *r)
{
	if (r->rolling && !r->stopping && !workers_rolling(&r->workers)) {
		log_event(LOG_INFO, EVENT_RESTART_COMPLETE);
		r->rolling = false;
	}
}

/* -- systemd -- */

static void
tell_state(struct run *r)
{
	char status[STATUS_SIZE];
	bool ready = workers_are_ready(&r->workers, status, sizeof(status));

	if (r->stopping || r->check_pid != 0)
		return;
	/*
	 * A reload is complete when the last worker of the old generation has
	 * been told to stop.
	 */
	if (!r->told_ready && ready && !workers_rolling(&r->workers)) {
		notify_ready(status);
		r->told_ready = true;
	} else if (strcmp(status, r->status) != 0) {
		notify_status(status);
	}
	memcpy(r->status, status, sizeof(status));
}

/*
 * Reports to systemd's watchdog, but only if no process is stuck.  Without the
 * report, systemd restarts the service.
 */
static void
tell_alive(struct run *r, int64_t now_us)
{
	int stuck;

	if (r->watchdog_us == 0 || now_us < r->alive_us)
		return;
	r->alive_us = now_us + r->watchdog_us / 2;
	stuck = health_count_stuck(now_us);
	if (stuck == 0)
		notify_alive();
	else if (!r->told_stuck)
		log_event(LOG_ERROR, EVENT_PROCESSES_UNRESPONSIVE,
		    LOG_NUM("processes", stuck));
	r->told_stuck = stuck > 0;
}

static void
loop(struct run *r)
{
	/*
	 * The SIGCHLD of a process that ended while the new binary was starting
	 * may be lost: collect such processes now.
	 */
	reap(r, clock_monotonic_us());
	r->rolling = workers_rolling(&r->workers);
	r->watchdog_us = notify_watchdog_us();
	for (;;) {
		int64_t now_us = clock_monotonic_us();
		struct pollfd fds[] = {
			{ .fd = r->signal_fd, .events = POLLIN },
			{ .fd = r->workers.ready_fds[0], .events = POLLIN },
		};

		workers_tick(&r->workers, now_us);
		check_late(r, now_us);
		log_rolled(r);
		tell_state(r);
		tell_alive(r, now_us);
		if (r->stopping && r->workers.nchildren == 0 &&
		    r->check_pid == 0)
			return;
		poll(fds, COUNT_OF(fds), timeout_ms(r, now_us));
		now_us = clock_monotonic_us();
		workers_read_ready(&r->workers, now_us);
		read_signals(r, now_us);
		close_door(r, now_us);
	}
}

static bool
init(struct run *r)
{
	int metrics_fd;

	if (r->m->npools < 1 || r->m->npools > METRICS_SLOTS_MAX)
		return false;
	r->binary = find_binary(r->argv[0]);
	if (r->binary == NULL) {
		log_event(LOG_ERROR, EVENT_BINARY_PATH_UNKNOWN);
		return false;
	}
	r->signal_fd = open_signals();
	if (r->signal_fd < 0) {
		log_event(LOG_ERROR, EVENT_SIGNALFD_FAILED,
		    LOG_TEXT("error", strerror(errno)));
		return false;
	}
	if (!sockets_open(r->m, r->sockets))
		return false;
	metrics_fd = metrics_open(restart_take_fd("shared", "metrics"));
	restart_keep_fd("shared", "metrics", metrics_fd);
	restart_close_rest();
	if (r->m->prepare != NULL)
		r->m->prepare(r->m->ctx);
	if (workers_init(&r->workers, r->m, r->sockets, r->signal_fd))
		return true;
	sockets_close(r->sockets, r->m->npools);
	return false;
}

int
master_run(const struct master *m, char **argv)
{
	static struct run r; /* static because it has some 20 KiB */
	bool ok;

	r = (struct run){ .m = m, .argv = argv, .signal_fd = -1 };
	ok = init(&r);
	if (ok) {
		log_event(LOG_INFO, EVENT_SERVICE_STARTED,
		    LOG_NUM("pid", getpid()),
		    LOG_NUM("processes", r.workers.nplaces),
		    LOG_TEXT("listen", m->pools[0].listen != NULL
					   ? m->pools[0].listen
					   : "nothing"));
		loop(&r);
		log_event(LOG_INFO, EVENT_SERVICE_STOPPED);
		workers_release(&r.workers);
	}
	if (r.signal_fd >= 0)
		close(r.signal_fd);
	free(r.binary);
	return ok ? 0 : 1;
}

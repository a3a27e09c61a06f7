#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "process/master.h"
#include "process/notify.h"
#include "process/workers.h"

void
worker_ready(const struct worker *w)
{
	pid_t pid = getpid();
	ssize_t n;

	/*
	 * The result of write() is ignored: while the master executes its
	 * binary again, nobody reads the pipe.
	 */
	n = write(w->ready_fd, &pid, sizeof(pid));
	(void)n;
}

static void
set_signals(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t mask;

	sigaction(SIGHUP, &ignore, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

void
worker_run(const struct workers *ws, const struct place *place)
{
	const struct worker w = {
		.pool = place->pool->name,
		.index = place->index,
		.slot = place->slot,
		.listen_fd = place->listen_fd,
		.threads = (int)place->pool->threads,
		.ready_fd = ws->ready_fds[1],
	};
	int status;

	/*
	 * The master may have died between fork() and prctl(); then no SIGTERM
	 * comes.
	 */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != ws->master_pid)
		_exit(0);
	set_signals();
	close(ws->signal_fd);
	close(ws->ready_fds[0]);
	for (int i = 0; i < ws->nplaces; i++) {
		if (ws->places[i].index == 0 && ws->places[i].listen_fd >= 0 &&
		    ws->places[i].listen_fd != w.listen_fd)
			close(ws->places[i].listen_fd);
	}
	metrics_begin_process(w.pool);
	notify_forget();
	log_set_worker(w.pool, w.index);
	status = place->pool->work(&w, ws->master->ctx);
	log_report(/* all= */ true);
	exit(status);
}

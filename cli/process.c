#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"

#include "message.h"
#include "proc_info.h"

static void
reset_signals(void)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t none;
	int i;

	/* signal() fails for SIGKILL and SIGSTOP, which cannot be changed. */
	for (i = 1; i < NSIG; i++)
		(void)sigaction(i, &plain, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool
redirect(const char *log)
{
	int in = open("/dev/null", O_RDONLY);
	int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0640);

	if (in == -1 || out == -1)
		return false;
	if (dup2(in, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1 ||
	    dup2(out, STDERR_FILENO) == -1)
		return false;
	if (in > STDERR_FILENO)
		close(in);
	if (out > STDERR_FILENO)
		close(out);
	return true;
}

static bool
change_user(const struct process_user *u)
{
	return setgroups(1, &u->gid) == 0 && setgid(u->gid) == 0 &&
	       setuid(u->uid) == 0;
}

static void
raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/*
 * Runs in the new process. Once the process's log is open, errors are written
 * to it.
 */
static NORETURN void
run(const struct process *c, pid_t supervisor)
{
	const char *step = "set its process group";

	if (setpgid(0, 0) == -1)
		goto out;
	reset_signals();
	step = "open its log";
	if (c->log != NULL && !redirect(c->log))
		goto out;
	step = "enter its directory";
	if (c->cwd != NULL && chdir(c->cwd) == -1)
		goto out;
	if (c->many_files)
		raise_files();
	step = "change its user";
	if (c->user != NULL && !change_user(c->user))
		goto out;
	/*
	 * PR_SET_PDEATHSIG is set after the change of user, which clears it. If
	 * the supervisor has died before this call, no signal would be sent for
	 * that.
	 */
	step = "set PR_SET_PDEATHSIG";
	if (prctl(PR_SET_PDEATHSIG, c->death_signal) == -1)
		goto out;
	if (getppid() != supervisor)
		_exit(1);
	if (c->task != NULL) {
		int status = c->task(c->ctx);

		fflush(NULL);
		_exit(status);
	}
	step = c->argv[0];
	execve(c->argv[0], c->argv, c->envp);
out:
	print_error("cannot start %s: %s: %s", c->name, step, strerror(errno));
	_exit(127);
}

bool
process_spawn(struct process *c)
{
	pid_t supervisor = getpid();
	size_t i;

	for (i = 0; i < COUNT_OF(c->stale); i++)
		if (c->stale[i] != NULL)
			unlink(c->stale[i]);
	if (c->prepare != NULL && !c->prepare(c))
		return false;
	c->pid = fork();
	if (c->pid == 0)
		run(c, supervisor);
	if (c->pid == -1) {
		c->pid = 0;
		print_error("cannot start %s: %s", c->name, strerror(errno));
		return false;
	}
	/*
	 * The child also calls setpgid(): whichever of both runs first, the
	 * process group exists from then on.
	 */
	(void)setpgid(c->pid, c->pid);
	c->changed_us = clock_monotonic_us();
	c->state = PROCESS_STARTING;
	probe_reset(&c->probe);
	return true;
}

struct orphan_search {
	const struct process *processes;
	int nprocesses;
	pid_t self;
	int found;
};

static void
visit_process(void *ctx, const struct proc_info *p)
{
	struct orphan_search *search = ctx;
	int i;

	if (p->parent != search->self || p->state == 'Z')
		return;
	for (i = 0; i < search->nprocesses; i++)
		if (search->processes[i].pid == p->pid)
			return;
	search->found++;
	kill(p->pid, SIGKILL);
}

bool
process_kill_orphans(const struct process *processes, int nprocesses)
{
	struct orphan_search search = {
		.processes = processes,
		.nprocesses = nprocesses,
		.self = getpid(),
	};

	proc_info_each(visit_process, &search);
	return search.found == 0;
}

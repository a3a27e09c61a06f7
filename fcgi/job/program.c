#include "job/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "job/log_events.h"

enum { EXIT_NOT_RUN = 127, FDS_WITHOUT_CLOSE_RANGE = 4096 };

/* The two ends of a pipe. */
struct ends {
	int theirs; /* the end that the child uses */
	int ours;
};

/*
 * -- in the children --
 *
 * After fork() another thread may have held any lock, so the functions of this
 * part make system calls only.
 */

static void
close_from(int first)
{
	if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0)
		return;
	/*
	 * Linux before 5.9 has no close_range(). Descriptors that this program
	 * opens are close-on-exec anyway.
	 */
	for (int fd = first; fd < FDS_WITHOUT_CLOSE_RANGE; fd++)
		close(fd);
}

static void
reset_signals(void)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		sigaction(
		    /* fails for SIGKILL and SIGSTOP, which does no harm */
		    sig, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
print(const char *text)
{
	ssize_t n = write(STDERR_FILENO, text, strlen(text));

	(void)n;
}

static NORETURN void
exec_program(const char *path, char *const *env, pid_t parent, const int fds[3])
{
	char *const argv[] = { (char *)path, NULL };

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* the parent died before prctl() */
		_exit(EXIT_NOT_RUN);
	for (int i = 0; i < 3; i++)
		dup2(fds[i], i);
	close_from(3);
	reset_signals();
	execve(path, argv, env);
	print("cannot execute: ");
	print(strerrordesc_np(errno));
	_exit(EXIT_NOT_RUN);
}

static NORETURN void
reap_group(int death_pipe, pid_t group)
{
	sigset_t all;
	char byte;

	/*
	 * The process-group reaper has a process group of its own, so that no
	 * signal to the parent's group ends it.
	 */
	setpgid(0, 0);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "job-reaper");
	dup2(death_pipe, 0);
	close_from(1);
	while (read(0, &byte, 1) < 0 && errno == EINTR)
		continue;
	kill(-group, SIGKILL);
	_exit(0);
}

/* -- in the parent -- */

void
program_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/*
 * Moves a descriptor to a number above 2, so that dup2() to a standard
 * descriptor does not overwrite it.
 */
static bool
move_up(int *fd)
{
	int above = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (above < 0)
		return false;
	close(*fd);
	*fd = above;
	return true;
}

/*
 * Makes a pipe. If `to_child` is true, the child reads and the parent writes;
 * otherwise the child writes and the parent reads.
 */
static bool
make_pipe(struct ends *e, bool to_child)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return false;
	*e = (struct ends){ fds[to_child ? 0 : 1], fds[to_child ? 1 : 0] };
	if (e->theirs <= STDERR_FILENO && !move_up(&e->theirs))
		return false;
	return fcntl(e->ours, F_SETFL, O_NONBLOCK) == 0;
}

static pid_t
start_leader(const char *path, char *const *env, const struct ends ends[3])
{
	const int fds[3] = { ends[0].theirs, ends[1].theirs, ends[2].theirs };
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		exec_program(path, env, parent, fds);
	if (pid > 0)
		setpgid(
		    /*
		     * parent and child both call setpgid(), since either may
		     * run first
		     */
		    pid, pid);
	return pid;
}

static pid_t
start_reaper(int death_pipe, pid_t group)
{
	pid_t pid = fork();

	if (pid == 0)
		reap_group(death_pipe, group);
	return pid;
}

static void
wait_for(pid_t pid, int *ret_status)
{
	while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
		continue;
}

static bool
start_processes(struct program *p, const char *path, char *const *env,
    const struct ends ends[4])
{
	int status;

	p->pid = start_leader(path, env, ends);
	if (p->pid < 0)
		return false;
	p->reaper = start_reaper(ends[3].theirs, p->pid);
	if (p->reaper < 0) {
		program_signal(p, SIGKILL);
		wait_for(p->pid, &status);
		return false;
	}
	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0u);
	return true;
}

bool
program_start(struct program *p, const char *path, char *const *env)
{
	struct ends ends[4] = { { -1, -1 }, { -1, -1 }, { -1, -1 },
		{ -1, -1 } };
	bool good = make_pipe(&ends[0], /* to_child= */ true) &&
	            make_pipe(&ends[1], /* to_child= */ false) &&
	            make_pipe(&ends[2], /* to_child= */ false) &&
	            make_pipe(&ends[3], /* to_child= */ true);

	*p = (struct program){ .pidfd = -1 };
	good = good && start_processes(p, path, env, ends);
	if (!good)
		log_event(LOG_ERROR, EVENT_PROGRAM_START_FAILED,
		    LOG_TEXT("path", path),
		    LOG_TEXT("reason", strerrordesc_np(errno)));
	for (int i = 0; i < 4; i++) {
		program_close(&ends[i].theirs);
		if (!good)
			program_close(&ends[i].ours);
	}
	p->in = ends[0].ours;
	p->out = ends[1].ours;
	p->err = ends[2].ours;
	p->death_pipe = ends[3].ours;
	return good;
}

bool
program_has_ended(const struct program *p)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)p->pid, &info,
		   WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == p->pid;
}

void
program_signal(const struct program *p, int sig)
{
	kill(-p->pid, sig);
}

int
program_end(struct program *p)
{
	int status = 0, unused;

	/* The leader was not reaped, so its process id cannot be reused yet. */
	program_signal(p, SIGKILL);
	kill(p->reaper, SIGKILL);
	wait_for(p->reaper, &unused);
	wait_for(p->pid, &status);
	program_close(&p->pidfd);
	program_close(&p->in);
	program_close(&p->out);
	program_close(&p->err);
	program_close(&p->death_pipe);
	return status;
}

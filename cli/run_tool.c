#include "run_tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"

#include "message.h"

enum { TEXT_MAX = 4 * 1024 * 1024, PART = 16 * 1024 };

extern char **environ;

static int
spawn(const char *const *argv, int out, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error != 0)
		return error;
	error = posix_spawn_file_actions_addopen(
	    &actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(
		    &actions, out, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(
		    &actions, out, STDERR_FILENO);
	if (error == 0)
		error = posix_spawn(ret_pid, argv[0], &actions, NULL,
		    (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* Reads to the end. False: the deadline passed. */
static bool
read_until(int fd, int64_t deadline_us, struct buf *b)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char part[PART];
	int64_t left_ms;
	ssize_t n;

	for (;;) {
		left_ms = (deadline_us - clock_monotonic_us()) / 1000;
		if (left_ms <= 0)
			return false;
		if (poll(&p, 1, (int)left_ms) <= 0)
			continue;
		n = read(fd, part, sizeof(part));
		if (n == 0)
			return true;
		if (n == -1 && errno != EINTR)
			return true;
		/* What does not fit is read, so that the program can end. */
		if (n > 0 && b->len + (size_t)n < TEXT_MAX)
			buf_put(b, part, (size_t)n);
	}
}

static int
wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool
run_tool(struct arena *a, const char *const *argv, int64_t timeout_ms,
    struct tool_result *ret_result)
{
	int64_t deadline_us = clock_monotonic_us() + timeout_ms * 1000;
	struct buf text;
	bool in_time;
	int fds[2];
	pid_t pid;
	int error;

	if (pipe2(fds, O_CLOEXEC) == -1) {
		print_error("cannot make a pipe: %s", strerror(errno));
		return false;
	}
	error = spawn(argv, fds[1], &pid);
	close(fds[1]);
	if (error != 0) {
		close(fds[0]);
		print_error("cannot run %s: %s", argv[0], strerror(error));
		return false;
	}
	buf_init(&text, a, TEXT_MAX);
	in_time = read_until(fds[0], deadline_us, &text);
	if (!in_time)
		kill(pid, SIGKILL);
	close(fds[0]);
	*ret_result = (struct tool_result){ wait_for(pid), text.data };
	if (!in_time)
		ret_result->status = -1;
	return true;
}

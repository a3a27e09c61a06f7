#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "db/db_url.h"

#include "message.h"
#include "tool.h"

/* Returns a file in memory with the text, to be read from its beginning. */
static int
file_with(const char *text)
{
	size_t len = strlen(text);
	int fd = memfd_create("kedge", MFD_CLOEXEC);

	if (fd == -1)
		return -1;
	if (write(fd, text, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
set_variable(void *ctx UNUSED, const char *name, const char *value)
{
	if (setenv(name, value, /* overwrite= */ 1) == -1)
		_exit(127);
}

static void
become(const struct command *c, const char *path, int in, int out)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(in, STDIN_FILENO) == -1 ||
	    (out > 0 && dup2(out, STDOUT_FILENO) == -1))
		_exit(127);
	if (c->joins_errors && dup2(STDOUT_FILENO, STDERR_FILENO) == -1)
		_exit(127);
	if (c->quiet)
		(void)!dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
	if (c->url != NULL)
		db_url_each_variable(c->url, set_variable, NULL);
	if (c->variable != NULL)
		putenv((char *)c->variable);
	execv(path, (char *const *)c->argv);
	_exit(127);
}

/* Waits until the process ends. False: the time is over; it was killed. */
static bool
ends_in_time(pid_t pid, int64_t timeout_ms)
{
	int64_t until_us = clock_monotonic_us() + timeout_ms * 1000;
	struct pollfd p = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	int64_t left_ms = timeout_ms;
	int n = 0;

	while (p.fd != -1 && n == 0 && left_ms > 0) {
		n = poll(&p, 1, (int)left_ms);
		if (n == -1 && errno == EINTR)
			n = 0;
		left_ms = (until_us - clock_monotonic_us()) / 1000;
	}
	if (p.fd != -1)
		close(p.fd);
	if (n > 0)
		return true;
	kill(pid, SIGKILL);
	return false;
}

static int
wait_for(pid_t pid, const char *name, int64_t timeout_ms)
{
	bool in_time = timeout_ms == 0 || ends_in_time(pid, timeout_ms);
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	if (!in_time) {
		print_error("%s was killed: it did not end within %lld s", name,
		    (long long)(timeout_ms / 1000));
		return -1;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) != 127)
		return WEXITSTATUS(status);
	if (WIFSIGNALED(status))
		print_error(
		    "%s was killed by signal %d", name, WTERMSIG(status));
	else
		print_error("cannot run %s", name);
	return -1;
}

static const char *
read_output(struct arena *a, int fd)
{
	struct stat st;
	char *text;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return "";
	if (st.st_size > COMMAND_OUTPUT_MAX)
		st.st_size = COMMAND_OUTPUT_MAX;
	text = arena_alloc(a, (size_t)st.st_size + 1);
	n = pread(fd, text, (size_t)st.st_size, 0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

int
command_run(struct arena *a, const struct command *c, const char **ret_output)
{
	const char *path = strchr(c->argv[0], '/') != NULL
	                       ? c->argv[0]
	                       : tool_find(a, c->argv[0]);
	int in = -1, out = c->output_fd, status = -1;
	pid_t pid;

	if (path == NULL)
		return -1;
	if (c->input_fd > 0)
		in = c->input_fd;
	else if (c->input != NULL)
		in = file_with(c->input);
	else
		in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (ret_output != NULL)
		out = memfd_create("kedge", MFD_CLOEXEC);
	pid = in == -1 || out == -1 ? -1 : fork();
	if (pid == 0)
		become(c, path, in, out);
	if (pid == -1)
		print_error("cannot run %s: %s", c->argv[0], strerror(errno));
	else
		status = wait_for(pid, c->argv[0], c->timeout_ms);
	if (ret_output != NULL && out != -1) {
		*ret_output = read_output(a, out);
		close(out);
	}
	if (in != -1 && in != c->input_fd)
		close(in);
	return status;
}

bool
command_check(struct arena *a, const struct command *c, const char **ret_output)
{
	int status = command_run(a, c, ret_output);

	if (status > 0)
		print_error(
		    "%s failed with exit status %d", c->argv[0], status);
	return status == 0;
}

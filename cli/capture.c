#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"

#include "message.h"

static pid_t
start(char *const *argv, char *const *envp, int out)
{
	posix_spawn_file_actions_t actions;
	pid_t pid = 0;
	int error;

	error = posix_spawn_file_actions_init(&actions);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(
		    &actions, out, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn(&pid, argv[0], &actions, NULL, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	if (error == 0)
		return pid;
	print_error("cannot run %s: %s", argv[0], strerror(error));
	return 0;
}

/* Reads until the end; false: there was more than fits into the buffer. */
static bool
read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, text + len, size - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			text[len] = '\0';
			return n == 0;
		}
		len += (size_t)n;
	}
	return false;
}

static bool
has_succeeded(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

char *
capture(struct arena *a, char *const *argv, char *const *envp, size_t max)
{
	char *text = arena_alloc(a, max + 1);
	bool complete;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) == -1) {
		print_error("cannot make a pipe: %s", strerror(errno));
		return NULL;
	}
	pid = start(argv, envp, fds[1]);
	close(fds[1]);
	complete = pid != 0 && read_all(fds[0], text, max + 1);
	close(fds[0]);
	if (pid == 0)
		return NULL;
	if (has_succeeded(pid) && complete)
		return text;
	print_error(
	    "%s failed%s", argv[0], complete ? "" : ": it printed too much");
	return NULL;
}

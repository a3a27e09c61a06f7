#include "process.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

static bool
read_stat(pid_t pid, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return true;
}

bool
process_find(pid_t pid, struct process *ret_process)
{
	char text[1024];
	const char *rest;
	long parent, group;
	long long started;
	char state;

	if (!read_stat(pid, text, sizeof(text)))
		return false;
	/* The name, in parentheses, may hold anything, parentheses too. */
	rest = strrchr(text, ')');
	if (rest == NULL ||
	    sscanf(rest,
		") %c %ld %ld %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
		"%*d %*d %*d %*d %lld",
		&state, &parent, &group, &started) != 4)
		return false;
	*ret_process = (struct process){
		.pid = pid,
		.parent = (pid_t)parent,
		.group = (pid_t)group,
		.state = state,
		.started_ticks = started,
	};
	return true;
}

void
process_each(void (*visit)(void *ctx, const struct process *p), void *ctx)
{
	struct process p;
	struct dirent *entry;
	int64_t pid;
	DIR *d;

	d = opendir("/proc");
	if (d == NULL)
		return;
	while ((entry = readdir(d)) != NULL)
		if (str_i64(entry->d_name, 1, INT32_MAX, &pid) &&
		    process_find((pid_t)pid, &p))
			visit(ctx, &p);
	closedir(d);
}

bool
process_is_in(pid_t pid, const char *dir)
{
	char path[64];
	char cwd[PATH_MAX];
	size_t len = strlen(dir);
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%ld/cwd", (long)pid);
	n = readlink(path, cwd, sizeof(cwd) - 1);
	if (n <= 0)
		return false;
	cwd[n] = '\0';
	return str_has_prefix(cwd, dir) &&
	       (cwd[len] == '\0' || cwd[len] == '/');
}

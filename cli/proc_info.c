#include "proc_info.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include "file.h"

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

/* Field numbers in /proc/PID/stat, as proc(5) counts them. */
enum { FIELD_STATE = 3, FIELD_PARENT = 4, FIELD_GROUP = 5, FIELD_STARTED = 22 };

static bool
read_fields(char *at, struct proc_info *p)
{
	int64_t parent, group;
	char *fields[FIELD_STARTED + 1] = { 0 };
	int i;

	for (i = FIELD_STATE; i <= FIELD_STARTED; i++) {
		fields[i] = strsep(&at, " ");
		if (fields[i] == NULL)
			return false;
	}
	if (!str_i64(fields[FIELD_PARENT], 0, INT32_MAX, &parent) ||
	    !str_i64(fields[FIELD_GROUP], 0, INT32_MAX, &group) ||
	    !str_i64(fields[FIELD_STARTED], 0, INT64_MAX, &p->started_ticks))
		return false;
	p->state = fields[FIELD_STATE][0];
	p->parent = (pid_t)parent;
	p->group = (pid_t)group;
	return true;
}

bool
proc_info_find(pid_t pid, struct proc_info *ret_info)
{
	struct proc_info p = { .pid = pid };
	char text[1024];
	char *name_end;

	if (!read_stat(pid, text, sizeof(text)))
		return false;
	/*
	 * The process's name is in parentheses, but may itself contain
	 * parentheses and blanks.
	 */
	name_end = strrchr(text, ')');
	if (name_end == NULL || name_end[1] != ' ' ||
	    !read_fields(name_end + 2, &p))
		return false;
	*ret_info = p;
	return true;
}

void
proc_info_each(void (*visit)(void *ctx, const struct proc_info *p), void *ctx)
{
	struct proc_info p;
	struct dirent *entry;
	int64_t pid;
	DIR *d;

	d = opendir("/proc");
	if (d == NULL)
		return;
	while ((entry = readdir(d)) != NULL)
		if (str_i64(entry->d_name, 1, INT32_MAX, &pid) &&
		    proc_info_find((pid_t)pid, &p))
			visit(ctx, &p);
	closedir(d);
}

/* Reads a file of /proc, whose size is not known before. */
static bool
read_all(struct arena *a, const char *path, struct buf *ret)
{
	char part[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return false;
	buf_init(ret, a, FILE_MAX_BYTES);
	while ((n = read(fd, part, sizeof(part))) > 0)
		buf_put(ret, part, (size_t)n);
	close(fd);
	return n == 0 && !buf_failed(ret);
}

char *const *
proc_info_environment(struct arena *a, pid_t pid)
{
	struct buf text;
	char **list;
	char *at, *end;
	size_t n = 0;

	if (!read_all(
		a, arena_printf(a, "/proc/%ld/environ", (long)pid), &text))
		return NULL;
	end = text.data + text.len;
	for (at = text.data; at < end; at += strlen(at) + 1)
		n++;
	list = arena_alloc(a, (n + 1) * sizeof(*list));
	n = 0;
	for (at = text.data; at < end; at += strlen(at) + 1)
		list[n++] = at;
	list[n] = NULL;
	return list;
}

bool
proc_info_is_in(pid_t pid, const char *dir)
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

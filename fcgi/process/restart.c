#include "process/restart.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "process/log_events.h"

/*
 * The environment variable with the state: "PID fd:KIND/NAME=N ...
 * worker:POOL/INDEX=PID/KILL_AT_US ...".  PID is the process that wrote it: a
 * variable that another process wrote and this one inherited is ignored.
 */
static const char variable[] = "KEDGE_RESTART";

struct named_fd {
	char kind[RESTART_NAME_MAX + 1];
	char name[RESTART_NAME_MAX + 1];
	int fd;
};

struct fd_list {
	struct named_fd fds[RESTART_FDS_MAX];
	int count;
};

static struct fd_list inherited; /* an entry that was taken has fd -1 */
static struct fd_list kept;
static struct restart_worker left[RESTART_WORKERS_MAX];
static int nleft;
static bool loaded;

bool
restart_name_ok(const char *name)
{
	size_t len = strlen(name);

	for (const char *p = name; *p != '\0'; p++) {
		if (!str_is_alnum(*p) && *p != '-' && *p != '_')
			return false;
	}
	return len > 0 && len <= RESTART_NAME_MAX;
}

void
restart_name_copy(char out[RESTART_NAME_MAX + 1], const char *name)
{
	assert(restart_name_ok(name));
	memcpy(out, name, strlen(name) + 1);
}

static void
list_add(struct fd_list *list, const char *kind, const char *name, int fd)
{
	struct named_fd *f = &list->fds[list->count];

	assert(list->count < RESTART_FDS_MAX);
	restart_name_copy(f->kind, kind);
	restart_name_copy(f->name, name);
	f->fd = fd;
	list->count++;
}

/*
 * Cuts *text at the first character `end`, advances *text behind it and returns
 * the part before it; NULL when *text has no such character.
 */
static char *
cut(char **text, char end)
{
	char *start = *text;
	char *at = strchr(start, end);

	if (at == NULL)
		return NULL;
	*at = '\0';
	*text = at + 1;
	return start;
}

/* Parses KIND/NAME=N. */
static bool
load_fd(char *text)
{
	const char *kind = cut(&text, '/');
	const char *name = kind != NULL ? cut(&text, '=') : NULL;
	int64_t fd;

	if (name == NULL || !restart_name_ok(kind) || !restart_name_ok(name))
		return false;
	if (!str_i64(text, 0, INT32_MAX, &fd) ||
	    fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0)
		return false;
	if (inherited.count == RESTART_FDS_MAX)
		return false;
	list_add(&inherited, kind, name, (int)fd);
	return true;
}

/* Parses POOL/INDEX=PID/KILL_AT_US. */
static bool
load_worker(char *text)
{
	struct restart_worker *w = &left[nleft];
	const char *pool = cut(&text, '/');
	const char *index_text = pool != NULL ? cut(&text, '=') : NULL;
	const char *pid_text = index_text != NULL ? cut(&text, '/') : NULL;
	int64_t index, pid;

	if (pid_text == NULL || !restart_name_ok(pool) ||
	    nleft == RESTART_WORKERS_MAX)
		return false;
	if (!str_i64(index_text, 0, INT32_MAX, &index) ||
	    !str_i64(pid_text, 1, INT32_MAX, &pid) ||
	    !str_i64(text, 0, INT64_MAX, &w->kill_at_us))
		return false;
	restart_name_copy(w->pool, pool);
	w->index = (int)index;
	w->pid = (pid_t)pid;
	nleft++;
	return true;
}

static void
load_words(char *text)
{
	char *rest = NULL;
	char *word = strtok_r(text, " ", &rest);
	int64_t pid;

	if (word == NULL || !str_i64(word, 1, INT32_MAX, &pid) ||
	    pid != getpid())
		return;
	while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
		bool ok = false;

		if (str_has_prefix(word, "fd:"))
			ok = load_fd(word + strlen("fd:"));
		else if (str_has_prefix(word, "worker:"))
			ok = load_worker(word + strlen("worker:"));
		if (!ok)
			log_event(LOG_WARN, EVENT_RESTART_STATE_INVALID,
			    LOG_TEXT("word", word));
	}
}

static void
load(void)
{
	const char *value;
	char *text;

	if (loaded)
		return;
	loaded = true;
	value = getenv(variable);
	if (value == NULL)
		return;
	text = strdup(value);
	if (text == NULL)
		abort();
	unsetenv(variable);
	load_words(text);
	free(text);
}

int
restart_take_fd(const char *kind, const char *name)
{
	load();
	for (int i = 0; i < inherited.count; i++) {
		struct named_fd *f = &inherited.fds[i];

		if (f->fd >= 0 && str_eq(f->kind, kind) &&
		    str_eq(f->name, name)) {
			int fd = f->fd;

			f->fd = -1;
			return fd;
		}
	}
	return -1;
}

void
restart_keep_fd(const char *kind, const char *name, int fd)
{
	for (int i = 0; i < kept.count; i++)
		assert(!str_eq(kept.fds[i].kind, kind) ||
		       !str_eq(kept.fds[i].name, name));
	list_add(&kept, kind, name, fd);
}

void
restart_close_rest(void)
{
	load();
	for (int i = 0; i < inherited.count; i++) {
		if (inherited.fds[i].fd >= 0)
			close(inherited.fds[i].fd);
		inherited.fds[i].fd = -1;
	}
}

int
restart_workers(const struct restart_worker **ret_workers)
{
	load();
	*ret_workers = left;
	return nleft;
}

static char *
state_text(const struct restart_worker *workers, int nworkers)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	fprintf(out, "%d", (int)getpid());
	for (int i = 0; i < kept.count; i++) {
		const struct named_fd *f = &kept.fds[i];

		fprintf(out, " fd:%s/%s=%d", f->kind, f->name, f->fd);
	}
	for (int i = 0; i < nworkers; i++) {
		const struct restart_worker *w = &workers[i];

		fprintf(out, " worker:%s/%d=%d/%lld", w->pool, w->index,
		    (int)w->pid, (long long)w->kill_at_us);
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void
set_close_on_exec(int flag)
{
	for (int i = 0; i < kept.count; i++)
		fcntl(kept.fds[i].fd, F_SETFD, flag);
}

void
restart_exec(const char *path, char **argv,
    const struct restart_worker *workers, int nworkers)
{
	char *text = state_text(workers, nworkers);
	int saved;

	if (text == NULL || setenv(variable, text, 1) != 0) {
		free(text);
		errno = ENOMEM;
		return;
	}
	free(text);
	set_close_on_exec(0);
	execv(path, argv);
	saved = errno;
	set_close_on_exec(FD_CLOEXEC);
	unsetenv(variable);
	errno = saved;
}

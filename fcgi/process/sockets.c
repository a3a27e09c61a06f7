#include "process/sockets.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "process/listen.h"
#include "process/log_events.h"
#include "process/master.h"
#include "process/restart.h"

static void
remember_file(struct pool_socket *s, const char *path)
{
	struct stat st;

	if (path == NULL || lstat(path, &st) != 0)
		return;
	s->path = path;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
}

/*
 * Takes the pool's socket from before a re-execution.  Its kind is "bound" if
 * this service created the socket file, otherwise "given".
 */
static bool
from_before(const struct master_pool *pool, struct pool_socket *s)
{
	s->fd = restart_take_fd("given", pool->name);
	if (s->fd >= 0)
		return true;
	s->fd = restart_take_fd("bound", pool->name);
	if (s->fd < 0)
		return false;
	if (str_has_prefix(pool->listen, "unix:"))
		remember_file(s, pool->listen + strlen("unix:"));
	return true;
}

static bool
any_named(const struct master *m, const struct listen_given *given)
{
	for (int i = 0; i < m->npools; i++) {
		if (listen_given_find(given, m->pools[i].name) >= 0)
			return true;
	}
	return false;
}

/*
 * Returns the pool's socket from systemd; -1: systemd passed none for this
 * pool; -2: the descriptor that systemd passed is no listening socket.
 */
static int
from_systemd(const struct master *m, int i, const struct listen_given *given)
{
	int fd = any_named(m, given)
	             ? listen_given_find(given, m->pools[i].name)
	             : listen_given_at(given, i);

	if (fd < 0 || listen_is_listening(fd))
		return fd;
	log_event(LOG_ERROR, EVENT_LISTEN_FAILED,
	    LOG_TEXT("pool", m->pools[i].name), LOG_NUM("fd", fd),
	    LOG_TEXT("reason",
		"the inherited descriptor is no listening stream socket"));
	return -2;
}

/*
 * Returns the listening socket at descriptor 0, or -1.  The socket is moved to
 * another descriptor: code that reads standard input would use it by mistake.
 */
static int
from_stdin(void)
{
	int fd, null;

	if (!listen_is_listening(STDIN_FILENO))
		return -1;
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || null < 0) {
		if (null >= 0)
			close(null);
		return fd;
	}
	dup2(null, STDIN_FILENO);
	close(null);
	return fd;
}

static int
count_listening(const struct master *m)
{
	int n = 0;

	for (int i = 0; i < m->npools; i++)
		n += m->pools[i].listen != NULL;
	return n;
}

static bool
open_one(const struct master *m, int i, const struct listen_given *given,
    struct pool_socket *s)
{
	const struct master_pool *pool = &m->pools[i];
	const char *kind = "given";
	const char *path = NULL;

	*s = (struct pool_socket){ .fd = -1 };
	if (!restart_name_ok(pool->name)) {
		log_event(LOG_ERROR, EVENT_POOL_NAME_INVALID,
		    LOG_TEXT("pool", pool->name));
		return false;
	}
	if (pool->listen == NULL)
		return true;
	if (from_before(pool, s)) {
		kind = s->path != NULL ? "bound" : "given";
	} else {
		s->fd = from_systemd(m, i, given);
		if (s->fd == -1 && count_listening(m) == 1)
			s->fd = from_stdin();
		if (s->fd == -1) {
			s->fd = listen_open(
			    pool->listen, (mode_t)m->socket_mode, &path);
			remember_file(s, path);
			kind = path != NULL ? "bound" : "given";
		}
	}
	if (s->fd < 0)
		return false;
	listen_prepare(s->fd);
	restart_keep_fd(kind, pool->name, s->fd);
	return true;
}

bool
sockets_open(const struct master *m, struct pool_socket *sockets)
{
	struct listen_given given;
	int n = 0;

	listen_given_init(&given);
	while (n < m->npools && open_one(m, n, &given, &sockets[n]))
		n++;
	listen_given_release(&given);
	if (n == m->npools)
		return true;
	sockets_close(sockets, n);
	return false;
}

void
sockets_close(struct pool_socket *sockets, int count)
{
	for (int i = 0; i < count; i++) {
		struct pool_socket *s = &sockets[i];
		struct stat st;

		if (s->fd >= 0)
			close(s->fd);
		s->fd = -1;
		if (s->path != NULL && lstat(s->path, &st) == 0 &&
		    st.st_dev == s->dev && st.st_ino == s->ino)
			unlink(s->path);
		s->path = NULL;
	}
}

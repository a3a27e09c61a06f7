#include "probe.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

#include "file.h"

/* How long to wait for a response; then the request is sent again. */
static const int64_t timeout_us = 1000 * 1000;

void
probe_reset(struct probe *p)
{
	if (p->kind == PROBE_ANSWER && p->fd > 0)
		close(p->fd);
	p->fd = -1;
}

static int
open_socket(const struct probe *p)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)p->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const struct sockaddr *address = (const struct sockaddr *)&in;
	const struct timeval longest = { .tv_usec = 50 * 1000 };
	const char *path = p->peer != NULL ? p->peer : p->path;
	socklen_t len = sizeof(in);
	int fd;

	if (p->port == 0) {
		assert(strlen(path) < sizeof(un.sun_path));
		memcpy(un.sun_path, path, strlen(path));
		address = (const struct sockaddr *)&un;
		len = sizeof(un);
	}
	fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/*
	 * On the same machine, connect() waits only when the listener's backlog
	 * is full.
	 */
	if (fd != -1 && (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &longest,
			     sizeof(longest)) == -1 ||
			    connect(fd, address, len) == -1)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
ask(struct probe *p, int64_t now_us)
{
	size_t len = strlen(p->request);

	/*
	 * Without this check nginx would log an error for each probe until the
	 * service has made its socket.
	 */
	if (!file_exists(p->path))
		return false;
	p->fd = open_socket(p);
	if (p->fd == -1)
		return false;
	p->asked_us = now_us;
	if (send(p->fd, p->request, len, MSG_NOSIGNAL) == (ssize_t)len)
		return true;
	probe_reset(p);
	return false;
}

static bool
answered(struct probe *p, int64_t now_us)
{
	char answer[64] = "";
	ssize_t n;

	if (p->fd == -1 && !ask(p, now_us))
		return false;
	n = recv(p->fd, answer, sizeof(answer) - 1, MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR) &&
	    now_us - p->asked_us < timeout_us)
		return false;
	probe_reset(p);
	return n > 0 && str_has_prefix(answer, p->expect);
}

/*
 * Reads postmaster.pid. Its eighth line is the status of the server, which
 * pg_ctl reads, too. Its first line is the server's process id: if that is not
 * `pid`, an earlier server has left the file.
 */
static bool
postmaster_ready(const struct probe *p, pid_t pid)
{
	char text[2048];
	char *line = text;
	int64_t written;
	ssize_t n;
	int fd;
	int i;

	fd = open(p->path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	for (i = 1; i < 8; i++) {
		line = strchr(line, '\n');
		if (line == NULL)
			return false;
		*line++ = '\0';
	}
	return str_i64(text, 1, INT32_MAX, &written) && written == pid &&
	       str_has_prefix(line, "ready");
}

bool
probe_step(struct probe *p, pid_t pid, int64_t now_us)
{
	switch (p->kind) {
	case PROBE_NONE:
		return true;
	case PROBE_ANSWER:
		return answered(p, now_us);
	case PROBE_POSTMASTER:
		return postmaster_ready(p, pid);
	}
	return false;
}

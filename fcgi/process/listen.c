#include "process/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "process/log_events.h"

enum {
	/*
	 * How many connections may wait for accept(): each request of a burst
	 * may come on its own connection.  The kernel limits this value to
	 * somaxconn.
	 */
	BACKLOG = 4096,
	GIVEN_FIRST_FD = 3, /* SD_LISTEN_FDS_START */
	IN_USE_WAIT_US = 1500 * 1000,
	IN_USE_STEP_US = 20 * 1000,
	BACKOFF_FIRST_MS = 50,
	BACKOFF_MAX_MS = 1000,
};

void
listen_given_init(struct listen_given *given)
{
	const char *pid = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	int64_t n;

	*given = (struct listen_given){ 0 };
	if (pid != NULL && count != NULL && str_i64(pid, 1, INT32_MAX, &n) &&
	    n == getpid() && str_i64(count, 0, 1024, &n)) {
		given->count = (int)n;
		given->names = names != NULL ? strdup(names) : NULL;
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

void
listen_given_release(struct listen_given *given)
{
	free(given->names);
	*given = (struct listen_given){ 0 };
}

int
listen_given_find(const struct listen_given *given, const char *name)
{
	const char *at = given->names;
	size_t len = strlen(name);

	for (int i = 0; at != NULL && i < given->count; i++) {
		const char *end = strchrnul(at, ':');

		if ((size_t)(end - at) == len && memcmp(at, name, len) == 0)
			return GIVEN_FIRST_FD + i;
		at = *end != '\0' ? end + 1 : NULL;
	}
	return -1;
}

int
listen_given_at(const struct listen_given *given, int place)
{
	return place < given->count ? GIVEN_FIRST_FD + place : -1;
}

static int
int_option(int fd, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, SOL_SOCKET, option, &value, &len) != 0)
		return -1;
	return value;
}

bool
listen_is_listening(int fd)
{
	return int_option(fd, SO_TYPE) == SOCK_STREAM &&
	       int_option(fd, SO_ACCEPTCONN) == 1;
}

void
listen_prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	int one = 1;

	if (flags >= 0 && (flags & O_NONBLOCK) == 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	/*
	 * Accepted sockets inherit TCP_NODELAY.  On a unix socket this call
	 * fails; there is no Nagle delay on unix sockets.
	 */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

enum listen_trouble
listen_trouble(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case EAGAIN:
	case EPROTO:
	case EPERM: /* a firewall rule forbids the connection */
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
		return LISTEN_PASSING;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		log_event(LOG_ERROR, EVENT_ACCEPT_OUT_OF_RESOURCES,
		    LOG_TEXT("error", strerror(error)));
		return LISTEN_SHORTAGE;
	}
	log_event(
	    LOG_ERROR, EVENT_ACCEPT_FAILED, LOG_TEXT("error", strerror(error)));
	return LISTEN_BROKEN;
}

int
listen_backoff_ms(int shortages)
{
	int ms = BACKOFF_FIRST_MS;

	for (int i = 1; i < shortages && ms < BACKOFF_MAX_MS; i++)
		ms *= 2;
	return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

static int
fail(const char *address, const char *what, int error)
{
	log_event(LOG_ERROR, EVENT_LISTEN_FAILED, LOG_TEXT("address", address),
	    LOG_TEXT("reason", what),
	    LOG_TEXT("error", error != 0 ? strerror(error) : ""));
	return -1;
}

enum occupant { NOBODY, STALE_FILE, SOMEBODY, NOT_A_SOCKET };

static enum occupant
unix_occupant(const struct sockaddr_un *sun)
{
	struct stat st;
	int fd, rc;

	if (lstat(sun->sun_path, &st) != 0)
		return NOBODY;
	if (!S_ISSOCK(st.st_mode))
		return NOT_A_SOCKET;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return SOMEBODY;
	rc = connect(fd, (const struct sockaddr *)sun, sizeof(*sun));
	if (rc != 0)
		rc = errno;
	close(fd);
	/*
	 * Only ECONNREFUSED proves that nobody listens: with a full backlog
	 * connect() fails, too.
	 */
	return rc == ECONNREFUSED ? STALE_FILE : SOMEBODY;
}

/*
 * Like unix_occupant(), but while somebody listens, waits for a while: it may
 * be an earlier process of this service that is draining.
 */
static enum occupant
unix_occupant_at_last(const struct sockaddr_un *sun)
{
	int64_t until_us = clock_monotonic_us() + IN_USE_WAIT_US;
	const struct timespec step = { .tv_nsec = IN_USE_STEP_US * 1000L };
	enum occupant who;

	while ((who = unix_occupant(sun)) == SOMEBODY &&
	       clock_monotonic_us() < until_us)
		nanosleep(&step, NULL);
	return who;
}

static int
unix_bind(const char *address, const struct sockaddr_un *sun, mode_t mode)
{
	mode_t saved;
	int fd, rc;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(address, "socket", errno);
	/*
	 * Set the umask, so that the socket file has its final permissions from
	 * the beginning.
	 */
	saved = umask(~mode & 0777);
	rc = bind(fd, (const struct sockaddr *)sun, sizeof(*sun));
	umask(saved);
	if (rc != 0 || listen(fd, BACKLOG) != 0) {
		fail(address, rc != 0 ? "bind" : "listen", errno);
		close(fd);
		return -1;
	}
	return fd;
}

static int
open_unix(const char *address, const char *path, mode_t mode)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(sun.sun_path))
		return fail(address, "the path is empty or over 107 bytes", 0);
	memcpy(sun.sun_path, path, len + 1);

	switch (unix_occupant_at_last(&sun)) {
	case SOMEBODY:
		return fail(address, "address in use: a server answers", 0);
	case NOT_A_SOCKET:
		return fail(address, "the path is taken by another file", 0);
	case STALE_FILE:
		unlink(path);
		break;
	case NOBODY:
		break;
	}
	return unix_bind(address, &sun, mode);
}

static int
tcp_bind(const struct addrinfo *ai)
{
	int one = 1;
	int fd, saved;

	fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/*
 * Splits an address at its last colon: an IPv6 address in brackets contains
 * other colons.
 */
static bool
split_address(const char *address, char host[256], const char **ret_port)
{
	const char *colon = strrchr(address, ':');
	size_t len;
	int64_t port;

	/* getaddrinfo() would accept a port above 65535, modulo 65536. */
	if (colon == NULL || !str_i64(colon + 1, 1, 65535, &port))
		return false;
	len = (size_t)(colon - address);
	if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	}
	if (len >= 256)
		return false;
	memcpy(host, address, len);
	host[len] = '\0';
	*ret_port = colon + 1;
	return true;
}

static int
open_tcp(const char *address)
{
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *list;
	char host[256];
	const char *port;
	int rc, fd = -1;

	if (!split_address(address, host, &port))
		return fail(address, "is neither unix:PATH nor HOST:PORT", 0);
	rc = getaddrinfo(*host != '\0' ? host : NULL, port, &hints, &list);
	if (rc != 0)
		return fail(address, gai_strerror(rc), 0);
	for (const struct addrinfo *ai = list; ai != NULL && fd < 0;
	     ai = ai->ai_next)
		fd = tcp_bind(ai);
	if (fd < 0)
		fail(address, errno == EADDRINUSE ? "address in use" : "bind",
		    errno);
	freeaddrinfo(list);
	return fd;
}

int
listen_open(const char *address, mode_t mode, const char **ret_bound_path)
{
	const char *path = address + strlen("unix:");
	int fd;

	if (!str_has_prefix(address, "unix:")) {
		*ret_bound_path = NULL;
		return open_tcp(address);
	}
	fd = open_unix(address, path, mode);
	*ret_bound_path = fd >= 0 ? path : NULL;
	return fd;
}

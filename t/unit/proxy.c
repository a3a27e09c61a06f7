#include "proxy.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAIRS_MAX = 32, CHUNK_SIZE = 16384, PROTOCOL_3 = 196608 };

struct pair {
	int client, server; /* -1: none */
	bool silent;
	bool started; /* the client's startup packet was forwarded to the server
	               */
};

static struct {
	pthread_t thread;
	int listen_fd;
	int wake[2]; /* a pipe for commands to the thread: 's' silence, 'q' quit
	              */
	int done[2]; /* a pipe: the thread writes one byte for each 's' that it
	                has obeyed */
	char target[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct pair pairs[PAIRS_MAX];
	int npairs;
	atomic_bool drop_options;
} self;

static int
connect_to_server(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(un.sun_path, self.target, sizeof(un.sun_path));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
take_client(void)
{
	struct pair p = { .client = accept4(
			      self.listen_fd, NULL, NULL, SOCK_CLOEXEC) };

	if (p.client < 0)
		return;
	p.server = connect_to_server();
	if (p.server < 0 || self.npairs == PAIRS_MAX) {
		close(p.client);
		close(p.server);
		return;
	}
	self.pairs[self.npairs++] = p;
}

static uint32_t
number_at(const char *at)
{
	uint32_t n;

	memcpy(&n, at, sizeof(n));
	return ntohl(n);
}

/*
 * A PostgreSQL startup packet has its length, the protocol version, and then
 * names and values, each ended by a NUL.
 */
static size_t
without_options(char *packet, size_t len)
{
	char *at = packet + 8, *end = packet + len;
	uint32_t rest;

	while (at < end && *at != '\0') {
		char *value = at + strlen(at) + 1;
		char *next = value + strlen(value) + 1;

		if (strcmp(at, "options") == 0) {
			memmove(at, next, (size_t)(end - next));
			end -= next - at;
		} else {
			at = next;
		}
	}
	rest = htonl((uint32_t)(end - packet));
	memcpy(packet, &rest, sizeof(rest));
	return (size_t)(end - packet);
}

/* Forwards what has arrived; returns false when one side has closed. */
static bool
pass(struct pair *p, int from, int to)
{
	static char bytes[CHUNK_SIZE];
	ssize_t n = recv(from, bytes, sizeof(bytes), 0);
	size_t len;

	if (n <= 0)
		return false;
	len = (size_t)n;
	if (from == p->client && !p->started && len > 8 &&
	    number_at(bytes + 4) == PROTOCOL_3) {
		p->started = true;
		if (atomic_load(&self.drop_options))
			len = without_options(bytes, len);
	}
	return send(to, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static void
close_pair(int i)
{
	close(self.pairs[i].client);
	close(self.pairs[i].server);
	self.pairs[i] = self.pairs[--self.npairs];
}

static void *
run(void *arg)
{
	(void)arg;
	for (;;) {
		struct pollfd fds[2 + 2 * PAIRS_MAX] = {
			{ .fd = self.listen_fd, .events = POLLIN },
			{ .fd = self.wake[0], .events = POLLIN },
		};
		int n = self.npairs;
		char what = 0;

		/*
		 * The proxy stops reading from the connections of a silent
		 * pair: the kernel acknowledges their bytes and keeps them.
		 */
		for (int i = 0; i < n; i++) {
			bool on = !self.pairs[i].silent;

			fds[2 + 2 * i] =
			    (struct pollfd){ on ? self.pairs[i].client : -1,
				    POLLIN, 0 };
			fds[3 + 2 * i] =
			    (struct pollfd){ on ? self.pairs[i].server : -1,
				    POLLIN, 0 };
		}
		if (poll(fds, (nfds_t)(2 + 2 * n), -1) < 0)
			continue;
		if (fds[1].revents != 0 && read(self.wake[0], &what, 1) == 1 &&
		    what == 'q')
			return NULL;
		for (int i = n - 1; i >= 0; i--) {
			struct pair *p = &self.pairs[i];

			if (what == 's')
				p->silent = true;
			else if ((fds[2 + 2 * i].revents != 0 &&
				     !pass(p, p->client, p->server)) ||
				 (fds[3 + 2 * i].revents != 0 &&
				     !pass(p, p->server, p->client)))
				close_pair(i);
		}
		if (what == 's' && write(self.done[1], &what, 1) != 1)
			return NULL;
		if (fds[0].revents != 0)
			take_client();
	}
}

int
proxy_start(const char *unix_socket)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int n;

	n = snprintf(self.target, sizeof(self.target), "%s", unix_socket);
	assert(n > 0 && n < (int)sizeof(self.target));
	self.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (self.listen_fd < 0 || pipe(self.wake) != 0 ||
	    pipe(self.done) != 0 ||
	    bind(self.listen_fd, (struct sockaddr *)&in, sizeof(in)) != 0 ||
	    listen(self.listen_fd, PAIRS_MAX) != 0 ||
	    getsockname(self.listen_fd, (struct sockaddr *)&in, &len) != 0 ||
	    pthread_create(&self.thread, NULL, run, NULL) != 0)
		assert(!"no proxy");
	return ntohs(in.sin_port);
}

static void
tell(char what)
{
	ssize_t n = write(self.wake[1], &what, 1);

	assert(n == 1);
}

/*
 * Bytes that are being forwarded at this moment may still arrive, so call
 * proxy_silence() while no data is being sent.
 */
void
proxy_silence(void)
{
	char byte;
	ssize_t n;

	tell('s');
	n = read(self.done[0], &byte, 1);
	assert(n == 1);
}

void
proxy_drop_options(bool drop)
{
	atomic_store(&self.drop_options, drop);
}

void
proxy_stop(void)
{
	tell('q');
	pthread_join(self.thread, NULL);
	while (self.npairs > 0)
		close_pair(self.npairs - 1);
	close(self.listen_fd);
	close(self.wake[0]);
	close(self.wake[1]);
	close(self.done[0]);
	close(self.done[1]);
}

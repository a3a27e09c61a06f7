/*
 * limit: what nothing behind one FastCGI connection of nginx can beat.  It
 * reads a request and writes fixed bytes: one epoll loop, no threads, no
 * library, no understanding of what it reads beyond the record headers.
 *
 *   limit SOCKET PROCESSES
 *
 * nginx must keep its connections (fastcgi_keep_conn on), and a request must
 * fit into one read, as those of bench/links do.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	EVENTS = 64,
	READ_BYTES = 64 * 1024,
	HEAD_BYTES = 8,
	STDIN_TYPE = 5,
	STDOUT_TYPE = 6,
	END_TYPE = 3,
};

static const char text[] = "Status: 302 Found\r\n"
			   "Location: https://example.com/target\r\n"
			   "Cache-Control: no-store\r\n\r\n";

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static int
listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd == -1 || strlen(path) >= sizeof(address.sun_path))
		die("socket");
	memcpy(address.sun_path, path, strlen(path) + 1);
	unlink(path);
	umask(0);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == -1 ||
	    listen(fd, 4096) == -1)
		die(path);
	return fd;
}

/* Writes the header of a record of request 1. */
static size_t
put_head(unsigned char *out, unsigned char type, size_t len)
{
	memset(out, 0, HEAD_BYTES);
	out[0] = 1;
	out[1] = type;
	out[3] = 1;
	out[4] = (unsigned char)(len >> 8);
	out[5] = (unsigned char)len;
	return HEAD_BYTES;
}

static size_t
make_answer(unsigned char *out)
{
	size_t n = put_head(out, STDOUT_TYPE, sizeof(text) - 1);

	memcpy(out + n, text, sizeof(text) - 1);
	n += sizeof(text) - 1;
	n += put_head(out + n, STDOUT_TYPE, 0);
	n += put_head(out + n, END_TYPE, HEAD_BYTES);
	memset(out + n, 0, HEAD_BYTES);
	return n + HEAD_BYTES;
}

/* Whether the bytes end with the empty record that ends a request. */
static bool
is_whole(const unsigned char *bytes, ssize_t len)
{
	const unsigned char *last = bytes + len - HEAD_BYTES;

	return len >= HEAD_BYTES && last[1] == STDIN_TYPE && last[4] == 0 &&
	       last[5] == 0;
}

/* nginx closes a connection when its client has left. */
static void
serve(int fd, const unsigned char *answer, size_t len)
{
	static unsigned char bytes[READ_BYTES];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 ||
	    (is_whole(bytes, n) && write(fd, answer, len) != (ssize_t)len))
		close(fd);
}

static void
work(int listen_fd)
{
	unsigned char answer[512];
	size_t len = make_answer(answer);
	struct epoll_event events[EVENTS], e = { .events = EPOLLIN };
	int epoll = epoll_create1(0);

	e.data.fd = listen_fd;
	if (epoll == -1 || epoll_ctl(epoll, EPOLL_CTL_ADD, listen_fd, &e) == -1)
		die("epoll");
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd != listen_fd) {
				serve(fd, answer, len);
				continue;
			}
			fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK);
			e.data.fd = fd;
			if (fd != -1 &&
			    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == -1)
				die("epoll_ctl");
		}
	}
}

int
main(int argc, char **argv)
{
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: limit SOCKET PROCESSES\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	fd = listen_at(argv[1]);
	for (long i = strtol(argv[2], NULL, 10); i > 1; i--) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			break;
		}
	}
	work(fd);
	return 0;
}

/* listen: the listening sockets of a service, opened or inherited. */
#ifndef PROCESS_LISTEN_H
#define PROCESS_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"

/*
 * The descriptors that systemd passes: from 3 on, with names or without
 * (sd_listen_fds(3)).  Reads LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES and
 * removes them from the environment; 0 descriptors when they are meant for
 * another process.
 */
struct listen_given {
	int count;
	char *names; /* "api:verify", or NULL */
};

void listen_given_init(struct listen_given *given);
void listen_given_release(struct listen_given *given);
/* The descriptor with that name, or -1. */
int listen_given_find(const struct listen_given *given, const char *name);
/* The descriptor at that position, or -1. */
int listen_given_at(const struct listen_given *given, int place);

/* Whether fd is a listening stream socket. */
bool listen_is_listening(int fd);

/*
 * Opens "unix:PATH" (relative paths are allowed), "HOST:PORT", "[V6]:PORT" or
 * ":PORT".  A socket file on which nobody listens is replaced.  If somebody
 * listens, this function waits for about a second, because the workers of a
 * killed master still listen until they have drained.  Returns -1 after it has
 * logged the reason.  *ret_bound_path is the file that was created, or NULL.
 */
MUST_CHECK int
listen_open(const char *address, mode_t mode, const char **ret_bound_path);

/*
 * Prepares a socket of any origin: non-blocking, close-on-exec, no Nagle delay
 * on accepted connections.
 */
void listen_prepare(int fd);

enum listen_trouble {
	LISTEN_PASSING, /* accept() can be called again */
	LISTEN_SHORTAGE, /* out of descriptors or memory, logged: try again in a
	                    moment */
	LISTEN_BROKEN, /* this process can no longer accept; logged */
};
/* Classifies the error of a failed accept(). */
enum listen_trouble listen_trouble(int error);
/*
 * How long to pause after that many shortages in a row (the first one is 1). A
 * shortage lasts, and each attempt writes a log line.
 */
int listen_backoff_ms(int shortages);

#endif

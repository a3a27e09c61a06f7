/* listen: the listening sockets of a service, opened or inherited. */
#ifndef PROCESS_LISTEN_H
#define PROCESS_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"

/*
 * What systemd hands over: descriptors from 3 on, with names or without
 * (sd_listen_fds(3)).  Reads LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES and
 * removes them from the environment; 0 descriptors when they are another
 * process's.
 */
struct listen_given {
	int count;
	char *names; /* "api:verify", or NULL */
};

void listen_given_init(struct listen_given *given);
void listen_given_release(struct listen_given *given);
/* The descriptor of that name, or -1. */
int listen_given_find(const struct listen_given *given, const char *name);
/* The descriptor at that place, or -1. */
int listen_given_at(const struct listen_given *given, int place);

/* Whether fd is a listening stream socket. */
bool listen_is_listening(int fd);

/*
 * Opens "unix:PATH" (relative paths are good), "HOST:PORT", "[V6]:PORT" or
 * ":PORT".  A socket file that nobody answers on is replaced; one that
 * somebody does is waited for, about a second, because the workers of a
 * master that was killed hold it until they have drained.  -1: the reason has
 * been logged.  *ret_bound_path is the file that was made, or NULL.
 */
MUST_CHECK int
listen_open(const char *address, mode_t mode, const char **ret_bound_path);

/*
 * Prepares a socket of whatever origin: not blocking, close-on-exec, no Nagle
 * delay on what is accepted.
 */
void listen_prepare(int fd);

enum listen_trouble {
	LISTEN_PASSING, /* accept again */
	LISTEN_SHORTAGE, /* of descriptors or memory, logged: in a moment */
	LISTEN_BROKEN, /* logged: this process cannot accept any more */
};
/* What a failed accept() means. */
enum listen_trouble listen_trouble(int error);
/*
 * How long not to accept after so many shortages in a row, the first of which
 * is
 * 1.  A shortage lasts, and each attempt costs a line in the log.
 */
int listen_backoff_ms(int shortages);

#endif

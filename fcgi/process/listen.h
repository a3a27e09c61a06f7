/* listen: the listening sockets of a service, opened or inherited. */
#ifndef PROCESS_LISTEN_H
#define PROCESS_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"

/*
 * The descriptors that systemd passes: from 3 on, with or without names
 * (sd_listen_fds(3)).  listen_given_init() reads LISTEN_PID, LISTEN_FDS and
 * LISTEN_FDNAMES, and removes them from the environment; when they are meant
 * for another process, `count` is 0.
 */
struct listen_given {
	int count;
	char *names; /* such as "api:verify"; or NULL */
};

void listen_given_init(struct listen_given *given);
void listen_given_release(struct listen_given *given);
/* Returns the descriptor with that name, or -1. */
int listen_given_find(const struct listen_given *given, const char *name);
/* Returns the descriptor at that position (the first is 0), or -1. */
int listen_given_at(const struct listen_given *given, int place);

/* Whether fd is a listening stream socket. */
bool listen_is_listening(int fd);

/*
 * Opens a listening socket: "unix:PATH" (relative paths are allowed),
 * "HOST:PORT", "[V6]:PORT" or ":PORT".  A socket file on which nobody listens
 * is replaced.  If somebody listens, this function waits for about a second,
 * because the workers of a killed master still listen until they have drained.
 * Returns -1 after it has logged the reason.  *ret_bound_path is the file that
 * was created, or NULL.
 */
MUST_CHECK int
listen_open(const char *address, mode_t mode, const char **ret_bound_path);

/*
 * Makes a listening socket non-blocking and close-on-exec, and turns the Nagle
 * delay off for the connections accepted from it.
 */
void listen_prepare(int fd);

enum listen_trouble {
	LISTEN_PASSING, /* call accept() again */
	/*
	 * Out of descriptors or memory, which is logged: pause, then try again.
	 */
	LISTEN_SHORTAGE,
	LISTEN_BROKEN, /* this process can no longer accept; logged */
};
/* Classifies the error number of a failed accept(). */
enum listen_trouble listen_trouble(int error);
/*
 * Returns how many milliseconds to pause after listen_trouble() has returned
 * LISTEN_SHORTAGE `shortages` (at least 1) times in a row.  The pause grows
 * with `shortages`, because a shortage lasts and each attempt writes a log
 * line.
 */
int listen_backoff_ms(int shortages);

#endif

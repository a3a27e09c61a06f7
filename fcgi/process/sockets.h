/* sockets: the listening socket of each pool, from any source. */
#ifndef PROCESS_SOCKETS_H
#define PROCESS_SOCKETS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"

struct master;

struct pool_socket {
	int fd;
	/*
	 * The file that this process created, to be removed at the end; or
	 * NULL.
	 */
	const char *path;
	dev_t dev;
	ino_t ino;
};

/*
 * Fills sockets[0 .. m->npools) from the first source that has one: the state
 * before a re-execution, systemd (by pool names, otherwise in their order),
 * descriptor 0 for a service with one pool, or the address of the pool.
 * Returns false after it has logged the reason; then nothing is left open.
 */
MUST_CHECK bool
sockets_open(const struct master *m, struct pool_socket *sockets);
/*
 * Closes the sockets, and removes the files that this process created, unless
 * somebody has replaced them.
 */
void sockets_close(struct pool_socket *sockets, int count);

#endif

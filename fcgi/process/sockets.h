/* sockets: the listening socket of each pool, wherever it comes from. */
#ifndef PROCESS_SOCKETS_H
#define PROCESS_SOCKETS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"

struct master;

struct pool_socket {
	int fd;
	/*
	 * The socket file that this process created and must remove at the end;
	 * or NULL.
	 */
	const char *path;
	dev_t dev;
	ino_t ino;
};

/*
 * Fills sockets[0 .. m->npools).  Each socket comes from the first of these
 * sources that has it: the state before a re-execution; systemd (by the names
 * of the pools, otherwise in their order); descriptor 0, if only one pool has a
 * socket; the address of the pool, on which a new socket is opened.  Returns
 * false after it has logged the reason; then nothing is left open.
 */
MUST_CHECK bool
sockets_open(const struct master *m, struct pool_socket *sockets);
/*
 * Closes the sockets and removes the socket files that this process created,
 * unless somebody has replaced the file.
 */
void sockets_close(struct pool_socket *sockets, int count);

#endif

/* sockets: the listening socket of each pool, wherever it comes from. */
#ifndef PROCESS_SOCKETS_H
#define PROCESS_SOCKETS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"

struct master;

struct pool_socket {
	int fd;
	/* The file that we made, to be removed at the end; or NULL. */
	const char *path;
	dev_t dev;
	ino_t ino;
};

/*
 * Fills sockets[0 .. m->npools): from before a re-execution, from systemd (by
 * the pools' names, else in their order), from descriptor 0 for a service of
 * one pool, or opened by the pools' addresses.  False: the reason has been
 * logged and nothing is left open.
 */
MUST_CHECK bool
sockets_open(const struct master *m, struct pool_socket *sockets);
/* Closes them, and removes the files that we made and nobody replaced. */
void sockets_close(struct pool_socket *sockets, int count);

#endif

/*
 * proxy: a TCP port on loopback in front of the throw-away PostgreSQL, for what
 * networks and connection poolers do.  One thread, one proxy per program.
 */
#ifndef UNIT_PROXY_H
#define UNIT_PROXY_H

#include <stdbool.h>

/* Starts it; the port. */
int proxy_start(const char *unix_socket);
void proxy_stop(void);

/*
 * From now on the connections that there are swallow whatever either side
 * sends, and say nothing: as behind a firewall that has forgotten them.
 */
void proxy_silence(void);
/* Whether new connections lose the `options` of their startup packet. */
void proxy_drop_options(bool drop);

#endif

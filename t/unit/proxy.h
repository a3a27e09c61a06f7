/*
 * proxy: a TCP port on loopback in front of the test's PostgreSQL, which
 * imitates failures of networks and connection poolers.  One thread, one proxy
 * per program.
 */
#ifndef UNIT_PROXY_H
#define UNIT_PROXY_H

#include <stdbool.h>

/* Starts the proxy; returns its port. */
int proxy_start(const char *unix_socket);
void proxy_stop(void);

/*
 * From now on, bytes that either side sends on an existing connection are
 * swallowed, as by a firewall that has forgotten the connection.
 */
void proxy_silence(void);
/*
 * Sets whether the proxy removes `options` from the startup packets of new
 * connections.
 */
void proxy_drop_options(bool drop);

#endif

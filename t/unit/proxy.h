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
 * From now on, existing connections swallow everything that either side sends,
 * like a firewall that has forgotten them.
 */
void proxy_silence(void);
/* Whether new connections lose the `options` of their startup packet. */
void proxy_drop_options(bool drop);

#endif

/* flow_key: whose turn it is when a request waits, for fastcgi/flow_queue.h. */
#ifndef WEB_FLOW_KEY_H
#define WEB_FLOW_KEY_H

#include <stdint.h>

struct req;

/*
 * The user of the assertion, and without one the client's network: IPv4 /24,
 * IPv6 /48.  The assertion's signature is not looked at, since only nginx can
 * set the parameter and a wrong key costs a turn, not more.  Of `r` only
 * source and arena need be set.
 */
uint64_t flow_key(const struct req *r);

#endif

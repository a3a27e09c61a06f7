/*
 * flow_key: which flow a waiting request belongs to, for the fair queue
 * (fastcgi/flow_queue.h).
 */
#ifndef WEB_FLOW_KEY_H
#define WEB_FLOW_KEY_H

#include <stdint.h>

struct req;

/*
 * The user of the assertion, or without one the client's network: IPv4 /24,
 * IPv6 /48.  The signature is not checked here, because only nginx can set the
 * parameter, and a wrong key only changes the order of waiting.  Only source
 * and arena of `r` must be set.
 */
uint64_t flow_key(const struct req *r);

#endif

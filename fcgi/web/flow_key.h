/*
 * flow_key: which flow a waiting request belongs to, for the fair queue
 * (fastcgi/flow_queue.h).
 */
#ifndef WEB_FLOW_KEY_H
#define WEB_FLOW_KEY_H

#include <stdint.h>

struct req;

/*
 * Returns a key made from the user of the assertion or, without an assertion,
 * from the client's network: IPv4 /24, IPv6 /48.  The signature is not checked
 * here, because only nginx can set the parameter, and a wrong key only changes
 * the order of waiting.  Of `r`, only source and arena must be set.
 */
uint64_t flow_key(const struct req *r);

#endif

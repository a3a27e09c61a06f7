/*
 * gate: what every request of the API passes, in BetterAuth's order: the rate
 * limit, the origin, the schema, the origin again where one signs in, the
 * session.  Routes that want an assertion (jobs, webhooks) are behind verify,
 * as those of base services are, and have only the rate limit here.
 */
#ifndef AUTH_GATE_H
#define AUTH_GATE_H

#include "base/err.h"

struct req;

/* The hooks of struct service_hooks. */
enum err gate_before(struct req *r);
enum err gate_screen(struct req *r);
enum err gate_guard(struct req *r);

#endif

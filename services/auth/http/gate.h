/*
 * gate: the checks for every request of the API, in BetterAuth's order: rate
 * limit, origin, schema, origin again on routes that sign in, session.  Routes
 * that require an assertion (jobs, webhooks) are behind verify, like those of
 * base services, and only have the rate limit here.
 */
#ifndef AUTH_GATE_H
#define AUTH_GATE_H

#include "base/err.h"

struct req;

/*
 * The members `before`, `screen` and `guard` of auth's struct service_hooks:
 * the checks before routing, before the schema, and before the handler.
 */
enum err gate_before(struct req *r);
enum err gate_screen(struct req *r);
enum err gate_guard(struct req *r);

#endif

/*
 * service_limit: how much one user may ask of a base service.
 *
 * Writes are counted for all processes together, in Redis.  Reads are many and
 * cost little each: every process counts them by itself, without a round trip,
 * so a user gets the limit once from each.  What the event loop answers by
 * itself (struct route: prompt) is not counted: to refuse it costs as much as
 * to answer it.
 */
#ifndef APP_SERVICE_LIMIT_H
#define APP_SERVICE_LIMIT_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct req;

/* The hook: WRITE_RATE and READ_RATE, by user.  ERR_RATE_LIMITED. */
MUST_CHECK enum err service_limit_requests(struct req *r);
/*
 * For what a request does many times, beside that it is one: charges the user
 * `cost` under `what`, of `rate` in a period.  rate 0: no limit.
 */
MUST_CHECK enum err service_charge(struct req *r, const char *what,
    int64_t cost, int64_t rate, int64_t period_ms);

#endif

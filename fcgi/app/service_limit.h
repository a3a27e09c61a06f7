/*
 * service_limit: limits how many requests one user may send to a base service.
 *
 * Writes are counted for all processes together, in Redis.  Reads are frequent
 * and cheap: every process counts them by itself, without a round trip, so a
 * user has the limit once per process.  Requests that the event loop answers by
 * itself (nonblocking routes) are not counted, because refusing one costs as
 * much as answering it.
 */
#ifndef APP_SERVICE_LIMIT_H
#define APP_SERVICE_LIMIT_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct req;

/* The hook: applies WRITE_RATE and READ_RATE per user.  ERR_RATE_LIMITED. */
MUST_CHECK enum err service_limit_requests(struct req *r);
/*
 * For a request that does something many times: in addition to the request
 * itself, charges the user `cost` under `what`, with `rate` allowed per period.
 * rate 0: no limit.
 */
MUST_CHECK enum err service_charge(struct req *r, const char *what,
    int64_t cost, int64_t rate, int64_t period_ms);

#endif

/*
 * service_hooks: the default hooks of every service, or of every base service.
 * A service's own hook may call these.
 */
#ifndef APP_SERVICE_HOOKS_H
#define APP_SERVICE_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct buf;
struct identity;
struct req;

/*
 * The time limit for a call to auth: the same as nginx's for its auth_request.
 */
enum { SERVICE_REVERIFY_TIMEOUT_MS = 3000 };

/*
 * hooks.ready: the service is ready if its database, if it has one, is
 * available; Redis need not be.
 */
bool service_ready(void *app, struct buf *members);

/*
 * hooks.screen: limits how many requests one user may send, by WRITE_RATE and
 * READ_RATE.  ERR_RATE_LIMITED.
 *
 * Writes are counted for all processes together, in Redis.  Reads are frequent
 * and cheap: every process counts them by itself, without a round trip, so a
 * user has the limit once per process.  Requests that the event loop answers by
 * itself (nonblocking routes) are not counted, because refusing one costs as
 * much as answering it.
 */
MUST_CHECK enum err service_limit_requests(struct req *r);
/*
 * Charges the user for a request that does something many times: `cost` units
 * of `what`, of which `rate` are allowed per period, in addition to the request
 * itself.  rate 0: no limit.
 */
MUST_CHECK enum err service_charge(struct req *r, const char *what,
    int64_t cost, int64_t rate, int64_t period_ms);

/*
 * hooks.guard: the user's first contact with the service (provision.h), unless
 * the route has ROUTE_NO_RECORD.
 */
MUST_CHECK enum err service_ensure_record(struct req *r);

/*
 * `reverify` of service.h: asks auth whether an assertion is still valid,
 * through nginx's internal listener, with a token of the service's own
 * (auth_client.h) and the assertion as received.  ERR_UNAVAILABLE: auth gave no
 * verdict.
 */
MUST_CHECK enum err service_reverify(
    struct req *r, const char *assertion, const struct identity **ret_who);

#endif

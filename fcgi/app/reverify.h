/*
 * reverify: a base service asks auth whether an assertion still holds.
 *
 * A call through nginx's internal listener to the verify pool, with a token of
 * the service's own (auth_client.h) and the assertion as it came.  See
 * guard.h for when that is.
 */
#ifndef APP_REVERIFY_H
#define APP_REVERIFY_H

#include "base/attr.h"
#include "base/err.h"

struct identity;
struct req;

/* As long as nginx waits for a verdict. */
enum { REVERIFY_TIMEOUT_MS = 3000 };

/* service.h: reverify.  ERR_UNAVAILABLE unless auth says yes or no. */
MUST_CHECK enum err reverify_ask(
    struct req *r, const char *assertion, const struct identity **ret_who);

#endif

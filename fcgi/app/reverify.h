/*
 * reverify: a base service asks auth whether an assertion is still valid.
 *
 * It calls the verify pool through nginx's internal listener, with a token of
 * its own (auth_client.h) and the assertion as received.  guard.h says when.
 */
#ifndef APP_REVERIFY_H
#define APP_REVERIFY_H

#include "base/attr.h"
#include "base/err.h"

struct identity;
struct req;

/* The same as nginx's timeout for a verdict. */
enum { REVERIFY_TIMEOUT_MS = 3000 };

/* The hook `reverify` of service.h.  ERR_UNAVAILABLE: auth gave no verdict. */
MUST_CHECK enum err reverify_ask(
    struct req *r, const char *assertion, const struct identity **ret_who);

#endif

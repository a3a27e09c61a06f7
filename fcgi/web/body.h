/*
 * body: from the bytes of a request's body to r->body.
 *
 * What is not JSON (or a form, where the route takes one) is refused by its
 * type, so a page elsewhere cannot send JSON disguised as text/plain past a
 * browser's preflight.  A form becomes an object of strings.
 *
 * A body without a Content-Type is refused as well, and so is a body that the
 * route does not read (but "{}", which says nothing).  Routes that answer in
 * BetterAuth's place take both for no body.
 *
 * Memory is bounded: the values that are read by the route's schema, the bytes
 * by its limit, and those of large bodies of all requests by large_body.h.
 */
#ifndef WEB_BODY_H
#define WEB_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

struct req;
struct route;
struct schema;

/* Of bodies whose route has no limit of its own; larger ones are large. */
enum { BODY_SMALL_BYTES = 64 * 1024 };

/* How many bytes of a body body_read() looks at; more is refused. */
size_t body_max(const struct req *r, const struct route *route);
/* Whether a row of the schema comes from the body. */
bool body_wanted(const struct schema *in);
/*
 * ERR_MEDIA_TYPE, ERR_TOO_LARGE; ERR_UNAVAILABLE: there are too many large ones
 * just now; ERR_INVALID with a code and a problem of the body itself (name ""):
 * broken off, malformed, or not wanted.  strict: see input_is_strict().
 */
MUST_CHECK enum err body_read(struct req *r, bool strict);

#endif

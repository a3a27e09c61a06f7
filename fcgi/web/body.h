/*
 * body: parses the body of a request into r->body.
 *
 * A body that is not JSON (or a form, where the route accepts one) is refused
 * by its type, so that a foreign page cannot avoid a browser's preflight by
 * sending JSON as text/plain.  A form becomes an object of strings.
 *
 * A body without a Content-Type is refused as well, and so is a body that the
 * route does not read (except "{}").  Routes with the wire format of BetterAuth
 * treat both as no body.
 *
 * Memory is bounded: the values by the route's schema, the bytes by its limit,
 * and the bytes of all large bodies together by fastcgi/body_room.h.
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

/*
 * The limit for bodies of routes that declare no limit.  Bodies above it count
 * as large (fastcgi/body_room.h).
 */
enum { BODY_SMALL_BYTES = 64 * 1024 };

/* Returns the most bytes of a body that body_read() accepts for this route. */
size_t body_max(const struct req *r, const struct route *route);
/* Whether any row of the schema is read from the body. */
bool body_wanted(const struct schema *in);
/*
 * Reads and parses the body.  ERR_MEDIA_TYPE or ERR_TOO_LARGE; ERR_UNAVAILABLE:
 * there are too many large bodies at the moment; ERR_INVALID with a code and a
 * problem of the body itself (name ""): the body is incomplete, malformed, or
 * not expected.  strict: see input_is_strict().
 */
MUST_CHECK enum err body_read(struct req *r, bool strict);

#endif

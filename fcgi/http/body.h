/*
 * body: from the bytes of a request's body to r->body.
 *
 * A body without a Content-Type is none, as BetterAuth has it.  What is not
 * JSON (or a form, where the route takes one) is refused by its type, so a
 * page elsewhere cannot send JSON disguised as text/plain past a browser's
 * preflight.  A form becomes an object of strings.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

struct req;
struct route;
struct schema;

/* Whether a row of the schema comes from the body. */
bool body_wanted(const struct schema *in);
/*
 * ERR_MEDIA_TYPE, ERR_TOO_LARGE; ERR_INVALID with a code and a problem of the
 * body itself (name ""): broken off, or malformed.
 */
MUST_CHECK enum err body_read(struct req *r, const struct route *route);

#endif

/*
 * params: the FastCGI parameters by which nginx describes a request.
 *
 * A parameter that is missing in nginx's configuration must not be mistaken for
 * a harmless value: an empty original path would pass every check, with an
 * empty address all clients would share one rate limit, an empty query would
 * have no filter.  So each of these parameters is required, and a request
 * without one is refused.
 */
#ifndef WEB_PARAMS_H
#define WEB_PARAMS_H

#include "base/attr.h"
#include "base/err.h"

struct req;
struct service;

/*
 * Fills the request's members from the parameters.  ERR_INTERNAL, logged: nginx
 * did not set one of them.  ERR_INVALID: a parameter is given twice, or the
 * path can be read in more than one way.  ERR_TOO_LARGE: the parameters are too
 * long in all.
 */
MUST_CHECK enum err params_read(const struct service *s, struct req *r);
/* Returns "" when the parameter is missing. */
const char *params_get(const struct req *r, const char *name);

#endif

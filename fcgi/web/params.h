/*
 * params: the FastCGI parameters by which nginx describes a request.
 *
 * A parameter that a configuration forgot must not read as a harmless value: a
 * path as sent that is "" holds nothing odd, an address that is "" shares one
 * rate limit with everybody, a query that is "" has no filter.  So each of them
 * has to be there, or the request is refused.
 */
#ifndef WEB_PARAMS_H
#define WEB_PARAMS_H

#include "base/attr.h"
#include "base/err.h"

struct req;
struct service;

/*
 * Fills the request's members from the parameters.  ERR_INTERNAL: nginx left
 * one out, which has been logged.  ERR_INVALID: a parameter is there twice, or
 * the path can be read in more than one way.  ERR_TOO_LARGE: they are too long.
 */
MUST_CHECK enum err params_read(const struct service *s, struct req *r);
/* "" when the parameter is missing. */
const char *params_get(const struct req *r, const char *name);

#endif

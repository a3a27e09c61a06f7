/*
 * input: what a request says, by its route's schema; and that it says nothing
 * else.
 *
 * What nobody reads can change the meaning of a request: a filter with a typing
 * error in its name lists everything, a body without a type captures the whole
 * of a hold.  So bodies, query parameters and headers that a route does not
 * read are refused.  BetterAuth ignores them, and so do the routes that answer
 * in its place (ignores_unknown in struct service).
 */
#ifndef WEB_INPUT_H
#define WEB_INPUT_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

struct req;
struct route;
struct service;

/* Whether what no row of the route names is refused. */
bool input_is_strict(const struct service *s, const struct route *route);
/*
 * *ret_struct, of the route's `in`; NULL without one.  ERR_INVALID: see
 * r->problems.  Then r->body keeps only what rows name.
 */
MUST_CHECK enum err
input_read(const struct service *s, struct req *r, void **ret_struct);

#endif

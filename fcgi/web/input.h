/*
 * input: reads a request by its route's schema, and refuses input that the
 * schema does not name.
 *
 * Ignored input can change the meaning of a request: a filter with a misspelled
 * name lists everything; a body without a type captures the whole hold.  So
 * bodies, query parameters and headers that a route does not read are refused.
 * BetterAuth ignores them, and so do the routes with its wire format
 * (ignores_unknown in struct service).
 */
#ifndef WEB_INPUT_H
#define WEB_INPUT_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

struct req;
struct route;
struct service;

/* Whether input that no row of the route names is refused. */
bool input_is_strict(const struct service *s, const struct route *route);
/*
 * Fills *ret_struct by the route's `in` schema; NULL without one.  ERR_INVALID:
 * see r->problems.  Afterwards r->body has only the members that rows name.
 */
MUST_CHECK enum err
input_read(const struct service *s, struct req *r, void **ret_struct);

#endif

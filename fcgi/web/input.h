/*
 * input: reads a request by its route's schema, and refuses input that the
 * schema does not name.
 *
 * Ignored input can change the meaning of a request: with a misspelled filter a
 * request lists everything; without the Content-Type that its body needs, a
 * capture captures the whole hold; with an Idempotency-Key that nobody reads, a
 * repeated request is executed twice.  So bodies, query parameters and headers
 * that a route does not read are refused.  BetterAuth ignores them, and so do
 * the routes with its wire format (ignores_unknown in struct service).
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
 * Reads the input by the route's `in` schema into a new struct; *ret_struct is
 * left alone when the route has no such schema.  ERR_INVALID: see r->problems.
 * Afterwards the members of r->body that no row names are shortened, which
 * frees their memory.
 */
MUST_CHECK enum err
input_read(const struct service *s, struct req *r, void **ret_struct);

#endif

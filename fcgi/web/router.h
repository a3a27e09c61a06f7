/*
 * router: finds the row of the route tables for a method and a path normalised
 * by nginx.  Nothing else is considered: no query, no header, no original URI
 * (which raw_path.h checks before).
 *
 * Segments are compared byte by byte, and {name} matches one that is not empty;
 * empty segments and a slash at the end match nothing.  Of several matching
 * rows the first one is chosen: literal paths must precede those with {name}.
 * A row with GET also accepts HEAD.
 */
#ifndef WEB_ROUTER_H
#define WEB_ROUTER_H

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct req;
struct route;
struct service;

/*
 * Sets r->route, the path's values, and *ret_index, the position of the row in
 * all lists together.  ERR_NOT_FOUND; ERR_METHOD: *ret_allow is the value of
 * the header Allow.
 */
MUST_CHECK enum err router_find(const struct service *s, struct req *r,
    int *ret_index, const char **ret_allow);

/*
 * Returns the row under which a request is counted before it is known whether
 * it will be served: the row of its method if there is one, otherwise the first
 * row of its path, ignoring slashes at the end.  NULL: no row has that path.
 */
const struct route *router_path_row(const struct service *s, struct arena *a,
    const char *method, const char *path);

/* Returns the number of rows in all lists. */
int router_count(const struct service *s);

#endif

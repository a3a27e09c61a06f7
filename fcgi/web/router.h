/*
 * router: from nginx's normalised path and the method to a row of the route
 * tables.  Nothing else takes part: no query, no header, no raw URI (which
 * raw_path.h judges before).
 *
 * Segments are equal byte by byte, a {name} stands for one that is not empty;
 * empty segments and a slash at the end match nothing.  Of the rows that
 * match, the first is taken: literal addresses go before {name} ones.  A row of
 * GET takes HEAD too; its handler sees which it is, and need not look.
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
 * Sets r->route, the path's values and *ret_index, the row's place over all
 * lists.  ERR_NOT_FOUND; ERR_METHOD: *ret_allow is the value of Allow.
 */
MUST_CHECK enum err router_find(const struct service *s, struct req *r,
    int *ret_index, const char **ret_allow);

/*
 * The row that counts a request's path, before it is known whether it will be
 * served: the one of its method if there is one, else the first of that path,
 * slashes at the end left out.  NULL: there is no such path.
 */
const struct route *router_path_row(const struct service *s, struct arena *a,
    const char *method, const char *path);

/* Rows over all lists. */
int router_count(const struct service *s);

#endif

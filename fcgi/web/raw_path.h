/*
 * raw_path: checks that a path, as the client sent it, can be read in only one
 * way.
 *
 * nginx decodes and normalises the path; guards and routes use the result.  A
 * path that nginx changes by that is refused, because a proxy in front of nginx
 * or behind it may have understood it as another path.
 */
#ifndef WEB_RAW_PATH_H
#define WEB_RAW_PATH_H

#include <stdbool.h>

/*
 * Returns false when the part of a request target before the query has an
 * encoded slash, backslash, dot or NUL, a backslash, or an empty, "." or ".."
 * segment. A slash at the end does not begin a segment.
 */
bool raw_path_is_plain(const char *target);

#endif

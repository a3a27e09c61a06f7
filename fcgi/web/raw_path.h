/*
 * raw_path: whether a path, as the client sent it, reads in one way alone.
 *
 * nginx decodes and normalises; what it makes of a path is what is guarded and
 * routed.  A path that only means the same after that is refused: whoever
 * stands before or behind may have read another one.
 */
#ifndef WEB_RAW_PATH_H
#define WEB_RAW_PATH_H

#include <stdbool.h>

/*
 * False when the part of a request's target before the query holds an encoded
 * slash, backslash, dot or NUL, a backslash, or an empty, "." or ".." segment.
 * A slash at the end begins no segment.
 */
bool raw_path_is_plain(const char *target);

#endif

/*
 * log_limit: limits how many log lines of one kind (an event with an HTTP
 * status) are written, and how many of them for one source (a user or an
 * address).
 *
 * If a client is refused ten thousand times a second, only some of the lines
 * are written.  The lines that are not written are counted by kind.  All
 * functions may be called by any thread.
 */
#ifndef BASE_LOG_LIMIT_H
#define BASE_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/* The properties of a log line by which it is limited. */
struct log_kind {
	const char *message; /* a constant; not copied */
	int code; /* an HTTP status of at least 400, or 0 */
	/*
	 * The user or the address that causes the line.  NULL: the line has no
	 * such source; then the limit is that of its kind.
	 */
	const char *source;
};

struct log_dropped {
	const char *message;
	int code;
	int64_t count;
};

/*
 * Returns false when the line exceeds a limit and must not be written; the line
 * is then counted as dropped.
 */
MUST_CHECK bool log_limit_take(const struct log_kind *kind, int64_t now_us);
/*
 * Finds a kind whose dropped lines are to be reported: kinds of which the first
 * dropped line is at least a second old or, with `all`, any kind with dropped
 * lines.  Returns false when there is no such kind.
 */
MUST_CHECK bool
log_limit_next(int64_t now_us, bool all, struct log_dropped *ret_dropped);

#endif

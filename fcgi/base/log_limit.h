/*
 * log_limit: limits how many lines of one kind, and of one kind and source, are
 * written.
 *
 * A client that is refused ten thousand times a second must not cause as many
 * lines.  Dropped lines are counted by kind.  Any thread may call.
 */
#ifndef BASE_LOG_LIMIT_H
#define BASE_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/* The properties of a line that its limits depend on. */
struct log_kind {
	const char *message; /* not copied: a constant */
	int code; /* an HTTP status of at least 400, or 0 */
	/*
	 * The user or address that causes the line.  NULL: nobody in
	 * particular; such lines share one limit.
	 */
	const char *source;
};

struct log_dropped {
	const char *message;
	int code;
	int64_t count;
};

/*
 * Returns false when the line exceeds the limit; it is then counted as dropped.
 */
MUST_CHECK bool log_limit_take(const struct log_kind *kind, int64_t now_us);
/*
 * Finds a kind of which lines were dropped and which has not been reported for
 * a second (with `all`: whenever it was reported).  Returns false when there is
 * none.
 */
MUST_CHECK bool
log_limit_next(int64_t now_us, bool all, struct log_dropped *ret_dropped);

#endif

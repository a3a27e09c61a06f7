/*
 * log_limit: how many lines of one kind, and of one kind and source, are
 * written.
 *
 * A client that is refused ten thousand times a second must not write as many
 * lines.  What is dropped is counted, by kind.  Any thread may call.
 */
#ifndef BASE_LOG_LIMIT_H
#define BASE_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/* What a line is, for its limits. */
struct log_kind {
	const char *message; /* kept: of the program's text */
	int code; /* an HTTP status from 400 on, or 0 */
	/*
	 * Who makes us write it: a user, an address.  NULL: nobody in
	 * particular; such lines have one limit for all.
	 */
	const char *source;
};

struct log_dropped {
	const char *message;
	int code;
	int64_t count;
};

/* False: the line is one too many, and has been counted. */
MUST_CHECK bool log_limit_take(const struct log_kind *kind, int64_t now_us);
/*
 * A kind of which lines were dropped and that has not been reported for a
 * second, or with `all` at any time.  False: there is none.
 */
MUST_CHECK bool
log_limit_next(int64_t now_us, bool all, struct log_dropped *ret_dropped);

#endif

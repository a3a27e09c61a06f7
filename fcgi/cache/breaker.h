/*
 * breaker: a circuit breaker.
 *
 * A closed breaker lets every caller through.  A failure opens it; an open one
 * lets one caller try per retry_ms.  BREAKER_SLOW_MAX slow successes in a row
 * count as a failure, and so does a slow success of the caller that tries,
 * because callers that wait for a slow server get nothing else done.  The
 * caller passes the time in and holds a lock.
 */
#ifndef CACHE_BREAKER_H
#define CACHE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum { BREAKER_SLOW_MAX = 5 };

struct breaker {
	int64_t retry_ms;
	int nslow; /* in a row */
	bool open;
	bool probing; /* a caller is trying at the moment */
	int64_t retry_at_us;
};

/*
 * Whether the caller may try.  If so, it reports one of the four outcomes
 * below.
 */
bool breaker_lets_through(struct breaker *b, int64_t now_us);
/* These return whether they changed the state, for the log. */
bool breaker_succeeded(struct breaker *b);
bool breaker_failed(struct breaker *b, int64_t now_us);
bool breaker_was_slow(struct breaker *b, int64_t now_us);
/* The caller was let through but made no attempt. */
void breaker_abandoned(struct breaker *b);

#endif

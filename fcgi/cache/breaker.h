/*
 * breaker: a circuit breaker.
 *
 * A closed breaker lets every caller through.  A failure opens it; an open
 * breaker lets one caller through every retry_ms, as a probe.  BREAKER_SLOW_MAX
 * slow successes in a row count as a failure, and so does a slow success of a
 * probe, because callers that wait for a slow server get nothing else done.
 * The caller passes the time in (of the monotonic clock), and holds a lock
 * while it calls.
 */
#ifndef CACHE_BREAKER_H
#define CACHE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum { BREAKER_SLOW_MAX = 5 };

struct breaker {
	int64_t retry_ms;
	int nslow; /* slow successes in a row */
	bool open;
	bool probing; /* a probe is running */
	int64_t retry_at_us;
};

/*
 * Returns whether the caller may call the server.  A caller that may must then
 * call one of the four functions below.
 */
bool breaker_lets_through(struct breaker *b, int64_t now_us);
/*
 * The outcome of the call.  Each returns whether it opened or closed the
 * breaker, so that the caller can log that.
 */
bool breaker_succeeded(struct breaker *b);
bool breaker_failed(struct breaker *b, int64_t now_us);
bool breaker_was_slow(struct breaker *b, int64_t now_us);
/* The caller was let through, but did not call the server after all. */
void breaker_abandoned(struct breaker *b);

#endif

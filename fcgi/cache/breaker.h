/*
 * breaker: a circuit breaker.  Closed, it lets everybody through; a failure
 * opens it, and then it lets one caller try per retry_ms.  Successes that are
 * slow, BREAKER_SLOW_MAX of them in a row, are a failure too, and so is a slow
 * one of a caller that tries: who waits for a server that is always late gets
 * nothing else done.  The time is passed in and the lock is the caller's.
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
	bool probing; /* the one caller is under way */
	int64_t retry_at_us;
};

/* Whoever is let through reports one of the four outcomes below. */
bool breaker_lets_through(struct breaker *b, int64_t now_us);
/* These return whether they changed the state, for the log. */
bool breaker_succeeded(struct breaker *b);
bool breaker_failed(struct breaker *b, int64_t now_us);
bool breaker_was_slow(struct breaker *b, int64_t now_us);
/* It did not come to an attempt. */
void breaker_abandoned(struct breaker *b);

#endif

/*
 * ticker: a thread that calls a function again and again until it is stopped.
 */
#ifndef BASE_TICKER_H
#define BASE_TICKER_H

#include <stdint.h>

struct arena;
struct ticker;

struct ticker_calls {
	void (*begin)(void *ctx); /* the first call; or NULL */
	/*
	 * Returns how long after the begin of this turn the next one is due.
	 * The arena is emptied after each turn.
	 */
	int64_t (*turn_us)(void *ctx, struct arena *a);
	void (*end)(void *ctx, struct arena *a); /* the last call; or NULL */
};

/* `ctx` is given to each call.  Returns NULL when no thread can be started. */
struct ticker *ticker_start(const struct ticker_calls *calls, void *ctx);
/* Returns when the last call has returned.  NULL is allowed. */
void ticker_stop(struct ticker *t);

#endif

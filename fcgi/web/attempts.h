/*
 * attempts: stops the repetition of a request that crashes workers.
 *
 * nginx repeats a GET whose worker has died, with the same request id, as often
 * as its upstream has names; it needs many, because each kept connection to the
 * dead worker uses up one.  A request that causes the crashes would kill one
 * worker after the other.  So the workers of a service record in shared memory
 * which requests they serve: a request that is started for the (ATTEMPTS_MAX +
 * 1)th time and never ended is refused.
 *
 * When two requests use the same entry at the same time, starts may be
 * forgotten, but never invented.
 */
#ifndef WEB_ATTEMPTS_H
#define WEB_ATTEMPTS_H

#include <stdbool.h>

#include "base/attr.h"

enum { ATTEMPTS_MAX = 2, ATTEMPTS_BYTES = 16 * 1024 };

/*
 * Sets the memory for the counts: ATTEMPTS_BYTES, initially zero, shared by all
 * workers and valid as long as the process.  Without it nothing is counted.
 */
void attempts_use(void *memory);
/* Returns false when the request was started ATTEMPTS_MAX times already. */
MUST_CHECK bool attempts_begin(const char *request_id);
/* The request has a response: nginx will not repeat it. */
void attempts_end(const char *request_id);

#endif

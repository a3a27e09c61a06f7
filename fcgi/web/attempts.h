/*
 * attempts: stops the repetition of a request that crashes workers.
 *
 * When the worker that serves a GET has died, nginx repeats the request, with
 * the same request id, once for each server of its upstream.  The upstream
 * lists the same socket many times as a server, because each kept connection to
 * the dead worker uses up one of them.  So a request that crashes workers would
 * kill one after the other.  To prevent that, the workers of a service count in
 * shared memory how often each request was started: a request that was started
 * ATTEMPTS_MAX times and never ended is refused.
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
 * Sets the shared memory in which starts are counted: ATTEMPTS_BYTES, initially
 * zero, the same for all workers, and valid as long as the process.  Without
 * that memory nothing is counted.
 */
void attempts_use(void *memory);
/*
 * Counts a start of the request.  Returns false when it was started
 * ATTEMPTS_MAX times already and never ended.
 */
MUST_CHECK bool attempts_begin(const char *request_id);
/* Forgets the request: it has a response, so nginx will not repeat it. */
void attempts_end(const char *request_id);

#endif

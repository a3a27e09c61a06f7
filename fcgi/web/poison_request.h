/*
 * poison_request: refuses a poison request, which is one that crashes each
 * worker that serves it.
 *
 * When the worker that serves a GET has died, nginx repeats the request, with
 * the same request id, once for each server of its upstream.  The upstream
 * lists the same socket many times as a server, because each kept connection to
 * the dead worker uses up one of these servers.  So a request that crashes
 * workers would kill one worker after the other.  To prevent that, the workers
 * of a service count in shared memory how often each request was started: a
 * request that was started POISON_REQUEST_STARTS times and never ended is
 * refused.
 *
 * When two requests use the same entry at the same time, starts may be
 * forgotten, but never invented.
 */
#ifndef WEB_POISON_REQUEST_H
#define WEB_POISON_REQUEST_H

#include <stdbool.h>

#include "base/attr.h"

enum { POISON_REQUEST_STARTS = 2, POISON_REQUEST_BYTES = 16 * 1024 };

/*
 * Sets the shared memory in which starts are counted: POISON_REQUEST_BYTES,
 * initially zero, the same for all workers, and valid as long as the process.
 * Without that memory nothing is counted.
 */
void poison_request_use(void *memory);
/*
 * Counts a start of the request.  Returns false when it was started
 * POISON_REQUEST_STARTS times already and never ended.
 */
MUST_CHECK bool poison_request_start(const char *request_id);
/* Forgets the request: it has a response, so nginx will not repeat it. */
void poison_request_end(const char *request_id);

#endif

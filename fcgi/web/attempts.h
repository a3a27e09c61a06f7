/*
 * attempts: ends the repetition of a request that ends workers.
 *
 * nginx repeats a GET whose worker has died, under the same request id, as
 * often as its upstream has names; it needs many, since each kept connection to
 * the dead worker uses up one.  A request that is itself the cause of the
 * deaths would end one worker after the other.  So the workers of a service
 * note in shared memory which requests they serve: one that is begun for the
 * (ATTEMPTS_MAX + 1)th time, and never ended, is refused.
 *
 * Two requests of one place at the same time lose a count, never invent one.
 */
#ifndef WEB_ATTEMPTS_H
#define WEB_ATTEMPTS_H

#include <stdbool.h>

#include "base/attr.h"

enum { ATTEMPTS_MAX = 2, ATTEMPTS_BYTES = 16 * 1024 };

/*
 * Counts in ATTEMPTS_BYTES of memory, zeroed at first, that all workers share
 * and that stays as long as the process.  Without it nothing is counted.
 */
void attempts_use(void *memory);
/* False: it has been begun ATTEMPTS_MAX times already. */
MUST_CHECK bool attempts_begin(const char *request_id);
/* It has an answer: nobody will repeat it. */
void attempts_end(const char *request_id);

#endif

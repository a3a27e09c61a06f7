/* redis: one per service, as a cache: no port, nothing written to disk. */
#ifndef CLI_REDIS_H
#define CLI_REDIS_H

#include <stdbool.h>

#include "base/attr.h"

#include "process.h"
#include "stack.h"

/* Makes its directory too.  Complains when there is no Redis. */
MUST_CHECK bool redis_plan(const struct stack *s,
    const struct spec_service *service, struct process *ret_process);

#endif

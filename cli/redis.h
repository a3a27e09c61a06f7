/*
 * redis: how to run the Redis of a service: a cache without a TCP port and
 * without files on disk.
 */
#ifndef CLI_REDIS_H
#define CLI_REDIS_H

#include <stdbool.h>

#include "base/attr.h"

#include "process.h"
#include "stack.h"

/*
 * Sets how to run the Redis, and makes its directory. False: that failed, and
 * an error was printed.
 */
MUST_CHECK bool redis_plan(const struct stack *s,
    const struct spec_service *service, struct process *ret_process);

#endif

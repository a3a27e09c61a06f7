/* thread: the threads of a process that serves. */
#ifndef FASTCGI_THREAD_H
#define FASTCGI_THREAD_H

#include <pthread.h>
#include <stdbool.h>

#include "base/attr.h"

/* False, logged: none can be started now. */
MUST_CHECK bool
thread_start(pthread_t *ret_id, void *(*run)(void *arg), void *arg);

#endif

/*
 * mutex: mutexes shared by processes, and locking with a timeout by the
 * monotonic clock.
 */
#ifndef BASE_MUTEX_H
#define BASE_MUTEX_H

#include <pthread.h>
#include <stdint.h>

/*
 * Initialises a mutex in shared memory.  Locking it returns EOWNERDEAD when the
 * process that held it has died.
 */
void mutex_init_shared(pthread_mutex_t *mutex);
/*
 * Like pthread_mutex_timedlock(), but deadline_us is a time of
 * clock_monotonic_us().
 */
int mutex_lock_until(pthread_mutex_t *mutex, int64_t deadline_us);

#endif

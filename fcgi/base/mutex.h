/*
 * mutex: mutexes that processes share, and a wait that ends, by the monotonic
 * clock.
 */
#ifndef BASE_MUTEX_H
#define BASE_MUTEX_H

#include <pthread.h>
#include <stdint.h>

/*
 * For a mutex in shared memory: locking it gives EOWNERDEAD when the process
 * that had it has died.
 */
void mutex_init_shared(pthread_mutex_t *mutex);
/* As pthread_mutex_timedlock(), until `deadline_us` of clock_monotonic_us(). */
int mutex_lock_until(pthread_mutex_t *mutex, int64_t deadline_us);

#endif

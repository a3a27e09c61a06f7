#include "base/mutex.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

void
mutex_init_shared(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t attr;

	if (pthread_mutexattr_init(&attr) != 0 ||
	    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) != 0 ||
	    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) != 0 ||
	    pthread_mutex_init(mutex, &attr) != 0)
		abort();
	pthread_mutexattr_destroy(&attr);
}

#ifdef __SANITIZE_THREAD__

/* ThreadSanitizer of GCC 12 does not know pthread_mutex_clocklock(). */
int
mutex_lock_until(pthread_mutex_t *mutex, int64_t deadline_us)
{
	int64_t left_us = deadline_us - clock_monotonic_us();
	struct timespec until =
	    clock_timespec(clock_now_ms() * 1000 + (left_us > 0 ? left_us : 0));

	return pthread_mutex_timedlock(mutex, &until);
}

#else

int
mutex_lock_until(pthread_mutex_t *mutex, int64_t deadline_us)
{
	struct timespec until = clock_timespec(deadline_us);

	return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &until);
}

#endif

#include "base/mutex.h"

#include <time.h>

#include "base/clock.h"

#ifdef __SANITIZE_THREAD__

/* GCC 12's ThreadSanitizer does not know pthread_mutex_clocklock(). */
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

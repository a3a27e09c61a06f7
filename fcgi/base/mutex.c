#include "base/mutex.h"

#include <errno.h>
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

/*
 * GCC 12's ThreadSanitizer does not know pthread_mutex_clocklock(), and does
 * not know that a mutex is locked when pthread_mutex_timedlock() returns
 * EOWNERDEAD.
 */
int
mutex_lock_until(pthread_mutex_t *mutex, int64_t deadline_us)
{
	static const struct timespec step = { .tv_nsec = 1000 * 1000 };
	int e;

	while ((e = pthread_mutex_trylock(mutex)) == EBUSY) {
		if (clock_monotonic_us() >= deadline_us)
			return ETIMEDOUT;
		nanosleep(&step, NULL);
	}
	return e;
}

#else

int
mutex_lock_until(pthread_mutex_t *mutex, int64_t deadline_us)
{
	struct timespec until = clock_timespec(deadline_us);

	return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &until);
}

#endif

#include "fastcgi/thread.h"

#include <string.h>

#include "base/log.h"
#include "fastcgi/log_events.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

enum {
#ifdef SANITIZED
	STACK_BYTES = 8 * 1024 * 1024,
#else
	STACK_BYTES = 256 * 1024,
#endif
};

bool
thread_start(pthread_t *ret_id, void *(*run)(void *arg), void *arg)
{
	pthread_attr_t attr;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	rc = pthread_create(ret_id, &attr, run, arg);
	pthread_attr_destroy(&attr);
	if (rc != 0)
		log_event(LOG_ERROR, EVENT_THREAD_START_FAILED,
		    LOG_TEXT("error", strerror(rc)));
	return rc == 0;
}

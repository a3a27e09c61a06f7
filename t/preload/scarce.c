/*
 * scarce: when preloaded, starting a thread fails while the file no-threads
 * exists in $HOME.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef int
create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int
pthread_create(pthread_t *restrict id, const pthread_attr_t *restrict attr,
    void *(*run)(void *), void *restrict arg)
{
	union {
		void *object;
		create_fn *create;
	} real = { .object = dlsym(RTLD_NEXT, "pthread_create") };
	const char *home = getenv("HOME");
	char path[4096];

	snprintf(path, sizeof(path), "%s/no-threads", home != NULL ? home : "");
	return access(path, F_OK) == 0 ? EAGAIN
	                               : real.create(id, attr, run, arg);
}

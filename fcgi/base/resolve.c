#include "base/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

/*
 * The cache needs few entries: all host names come from the configuration of a
 * service.
 */
enum { ENTRIES_MAX = 32, NAME_SIZE = 256, STACK_BYTES = 256 * 1024 };

struct entry {
	char host[NAME_SIZE]; /* "": this entry is free */
	struct resolve_addresses found; /* count is 0 until the first answer */
	int64_t fresh_until_us;
	int64_t retry_at_us;
	bool busy; /* a thread is looking up this name */
	int waiters; /* the number of threads that wait for the answer */
};

/*
 * The cache of host names, one for the whole process.  An entry never moves,
 * because threads keep pointers to it.  The master process must not look up
 * names: after a fork, the lookup threads would not exist in the worker.
 */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed; /* its timeouts use the monotonic clock */
	struct entry entries[ENTRIES_MAX];
	int (*lookup)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);
	bool ready; /* `changed` is initialised */
} cache = { .mutex = PTHREAD_MUTEX_INITIALIZER, .lookup = getaddrinfo };

static bool
is_numeric(const char *host)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, bytes) == 1 ||
	       strchr(host, ':') != NULL; /* a host name has no colon */
}

/* -- the lookup thread -- */

static void
copy_addresses(const struct addrinfo *list, struct resolve_addresses *out)
{
	for (; list != NULL && out->count < RESOLVE_ADDRESSES_MAX;
	     list = list->ai_next)
		if (getnameinfo(list->ai_addr, list->ai_addrlen,
			out->texts[out->count], RESOLVE_ADDRESS_SIZE,
			/* serv= */ NULL, 0, NI_NUMERICHOST) == 0)
			out->count++;
}

/* Stores the result of a lookup in the entry.  The caller holds the lock. */
static void
take_answer(struct entry *e, const struct resolve_addresses *found)
{
	int64_t now_us = clock_monotonic_us();

	e->busy = false;
	if (found->count > 0) {
		e->found = *found;
		e->fresh_until_us = now_us + RESOLVE_FRESH_MS * INT64_C(1000);
	}
	e->retry_at_us = now_us + RESOLVE_RETRY_MS * INT64_C(1000);
	pthread_cond_broadcast(&cache.changed);
}

static void *
look_up(void *arg)
{
	struct entry *e = arg;
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct resolve_addresses found = { 0 };
	struct addrinfo *list = NULL;
	int (*lookup)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);
	char host[NAME_SIZE];

	pthread_mutex_lock(&cache.mutex);
	memcpy(host, e->host, sizeof(host));
	lookup = cache.lookup;
	pthread_mutex_unlock(&cache.mutex);
	if (lookup(host, /* port= */ NULL, &hints, &list) == 0) {
		copy_addresses(list, &found);
		freeaddrinfo(list);
	}
	pthread_mutex_lock(&cache.mutex);
	take_answer(e, &found);
	pthread_mutex_unlock(&cache.mutex);
	return NULL;
}

/*
 * Starts a thread that looks up the name.  If that is not possible, it counts
 * as a failed lookup.  The caller holds the lock.
 */
static void
start_lookup(struct entry *e)
{
	pthread_attr_t attr;
	pthread_t thread;

	if (pthread_attr_init(&attr) != 0)
		abort();
	e->busy = true;
	if (pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) != 0 ||
	    pthread_attr_setstacksize(&attr, STACK_BYTES) != 0 ||
	    pthread_create(&thread, &attr, look_up, e) != 0)
		take_answer(e, &(struct resolve_addresses){ 0 });
	pthread_attr_destroy(&attr);
}

/* -- the cache; the caller holds the lock -- */

static void
set_up(void)
{
	pthread_condattr_t attr;

	if (cache.ready)
		return;
	if (pthread_condattr_init(&attr) != 0 ||
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&cache.changed, &attr) != 0)
		abort();
	pthread_condattr_destroy(&attr);
	cache.ready = true;
}

/*
 * Returns the entry for the host name, a new one if necessary; NULL when all
 * entries are in use for other names.
 */
static struct entry *
entry_of(const char *host)
{
	struct entry *oldest = NULL;

	for (int i = 0; i < ENTRIES_MAX; i++) {
		struct entry *e = &cache.entries[i];

		if (strcmp(e->host, host) == 0)
			return e;
		if (!e->busy && e->waiters == 0 &&
		    (oldest == NULL || e->retry_at_us < oldest->retry_at_us))
			oldest = e;
	}
	if (oldest != NULL) {
		*oldest = (struct entry){ 0 };
		memcpy(oldest->host, host, strlen(host) + 1);
	}
	return oldest;
}

/* Waits until any lookup ends; returns false when the deadline passes first. */
static bool
wait_for_answer(int64_t deadline_us)
{
	struct timespec until = clock_timespec(deadline_us);

	return pthread_cond_timedwait(&cache.changed, &cache.mutex, &until) !=
	       ETIMEDOUT;
}

static enum err
find(struct entry *e, int64_t deadline_us, struct resolve_addresses *ret)
{
	int64_t now_us = clock_monotonic_us();
	bool in_time = true;

	if (now_us >= e->fresh_until_us && now_us >= e->retry_at_us && !e->busy)
		start_lookup(e);
	/* `waiters` keeps entry_of() from using this entry for another name. */
	e->waiters++;
	while (e->found.count == 0 && e->busy && in_time)
		in_time = wait_for_answer(deadline_us);
	e->waiters--;
	if (e->found.count == 0)
		return e->busy ? ERR_UNAVAILABLE : ERR_NOT_FOUND;
	*ret = e->found;
	return ERR_OK;
}

enum err
resolve_host(const char *host, int64_t deadline_us,
    struct resolve_addresses *ret_addresses)
{
	size_t len = strlen(host);
	struct entry *e;
	enum err err;

	if (is_numeric(host) && len < RESOLVE_ADDRESS_SIZE) {
		ret_addresses->count = 1;
		memcpy(ret_addresses->texts[0], host, len + 1);
		return ERR_OK;
	}
	if (len == 0 || len >= NAME_SIZE)
		return ERR_NOT_FOUND;
	pthread_mutex_lock(&cache.mutex);
	set_up();
	e = entry_of(host);
	err = e == NULL ? ERR_UNAVAILABLE : find(e, deadline_us, ret_addresses);
	pthread_mutex_unlock(&cache.mutex);
	return err;
}

void
resolve_replace_lookup(int (*lookup)(const char *host, const char *port,
    const struct addrinfo *hints, struct addrinfo **ret_list))
{
	pthread_mutex_lock(&cache.mutex);
	cache.lookup = lookup != NULL ? lookup : getaddrinfo;
	pthread_mutex_unlock(&cache.mutex);
}

void
resolve_make_stale(void)
{
	pthread_mutex_lock(&cache.mutex);
	for (int i = 0; i < ENTRIES_MAX; i++) {
		cache.entries[i].fresh_until_us = 0;
		cache.entries[i].retry_at_us = 0;
	}
	pthread_mutex_unlock(&cache.mutex);
}

void
resolve_forget_all(void)
{
	pthread_mutex_lock(&cache.mutex);
	set_up();
	for (int i = 0; i < ENTRIES_MAX; i++) {
		while (cache.entries[i].busy)
			pthread_cond_wait(&cache.changed, &cache.mutex);
		cache.entries[i] =
		    (struct entry){ .waiters = cache.entries[i].waiters };
	}
	pthread_mutex_unlock(&cache.mutex);
}

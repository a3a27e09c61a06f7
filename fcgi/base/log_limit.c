#include "base/log_limit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/fnv.h"
#include "base/random.h"

enum {
	/*
	 * A kind of line is an event with an HTTP status or 0.  A service has
	 * fewer kinds than this; the last entry would count all further ones
	 * together.
	 */
	KINDS_MAX = 256,
	SOURCES = 1024, /* a power of two */
	REPORT_US = 1000 * 1000,
};

struct rate {
	int64_t interval_us; /* time between two lines; 0: no limit */
	int64_t burst;
};

/* The limits of each process; a service has a few processes. */
static const struct rate event_rate = { 1000 * 1000 / 5, 100 };
static const struct rate refused_rate = { 1000 * 1000 / 200, 1000 };
static const struct rate refused_source_rate = { 1000 * 1000 / 20, 200 };
static const struct rate source_rate = { 1000 * 1000 / 500, 2000 };

struct kind {
	const char *message;
	int code;
	int64_t spent_us; /* GCRA: when the whole burst is available again */
	int64_t dropped;
	int64_t reported_us;
};

/*
 * The state of all limits.  Sources are hashed into a table of fixed size.  A
 * source that shares its entry with a noisy source loses lines, too; but nobody
 * can evade the limit by pushing another source out of the table.
 */
static struct {
	pthread_mutex_t lock;
	struct kind kinds[KINDS_MAX];
	int nkinds;
	int64_t sources_spent_us[SOURCES];
	_Atomic int64_t dropped; /* lines of all kinds, not reported yet */
} limits = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool
take(const struct rate *rate, int64_t *spent_us, int64_t now_us)
{
	int64_t at_us = *spent_us > now_us ? *spent_us : now_us;

	if (rate->interval_us == 0)
		return true;
	if (at_us - now_us > rate->interval_us * (rate->burst - 1))
		return false;
	*spent_us = at_us + rate->interval_us;
	return true;
}

/*
 * The hash is seeded with a random number.  Otherwise a client could choose an
 * address that has the same table entry as a victim's, and use up the victim's
 * log lines.
 */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t hash_seed;

static void
seed(void)
{
	random_bytes(&hash_seed, sizeof(hash_seed));
}

static int64_t *
source_of(const struct log_kind *k)
{
	uint64_t h;

	pthread_once(&once, seed);
	h = hash_seed ^ (FNV64_START + (uint64_t)k->code);
	h = fnv64_text(fnv64_text(h, k->message), k->source);
	return &limits.sources_spent_us[(h ^ h >> 32) % SOURCES];
}

static struct kind *
kind_of(const struct log_kind *k)
{
	struct kind *kind;

	for (int i = 0; i < limits.nkinds; i++) {
		kind = &limits.kinds[i];
		if (kind->code == k->code &&
		    (kind->message == k->message ||
			strcmp(kind->message, k->message) == 0))
			return kind;
	}
	if (limits.nkinds == KINDS_MAX)
		return &limits.kinds[KINDS_MAX - 1];
	kind = &limits.kinds[limits.nkinds++];
	*kind = (struct kind){
		.message = limits.nkinds == KINDS_MAX ? "other" : k->message,
		.code = limits.nkinds == KINDS_MAX ? 0 : k->code,
	};
	return kind;
}

/*
 * Returns whether the limits allow this line, and charges it to them.  The
 * caller holds the lock.
 */
static bool
may_write(struct kind *kind, const struct log_kind *k, int64_t now_us)
{
	if (k->source == NULL)
		return take(&event_rate, &kind->spent_us, now_us);
	if (k->code == 0)
		return take(&source_rate, source_of(k), now_us);
	return take(&refused_source_rate, source_of(k), now_us) &&
	       take(&refused_rate, &kind->spent_us, now_us);
}

bool
log_limit_take(const struct log_kind *k, int64_t now_us)
{
	struct kind *kind;
	bool good;

	pthread_mutex_lock(&limits.lock);
	kind = kind_of(k);
	good = may_write(kind, k, now_us);
	if (!good) {
		if (kind->dropped++ == 0)
			kind->reported_us = now_us;
		atomic_fetch_add(&limits.dropped, 1);
	}
	pthread_mutex_unlock(&limits.lock);
	return good;
}

bool
log_limit_next(int64_t now_us, bool all, struct log_dropped *ret_dropped)
{
	bool found = false;

	if (atomic_load_explicit(&limits.dropped, memory_order_relaxed) == 0)
		return false;
	pthread_mutex_lock(&limits.lock);
	for (int i = 0; i < limits.nkinds && !found; i++) {
		struct kind *kind = &limits.kinds[i];

		found = kind->dropped > 0 &&
		        (all || now_us - kind->reported_us >= REPORT_US);
		if (!found)
			continue;
		*ret_dropped = (struct log_dropped){
			.message = kind->message,
			.code = kind->code,
			.count = kind->dropped,
		};
		atomic_fetch_sub(&limits.dropped, kind->dropped);
		kind->dropped = 0;
	}
	pthread_mutex_unlock(&limits.lock);
	return found;
}

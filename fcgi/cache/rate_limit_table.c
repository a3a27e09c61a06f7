#include "cache/rate_limit_table.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/random.h"

enum { SECRET_SIZE = 32, HASH_WORDS = SHA256_SIZE / sizeof(uint64_t) };

/*
 * An entry of the table.  A key that is in the table is found and charged
 * without the lock: otherwise all threads that serve one user would wait when
 * the thread that holds the lock is preempted.  The lock is needed to insert a
 * key.  If another key takes over an entry while a thread is charging it, the
 * other key is charged instead: this happens at most once per charge, and only
 * in a full row.
 */
struct place {
	_Atomic uint64_t
	    tag[2]; /* hash of the key; meaningless while due_us is 0 */
	_Atomic int64_t due_us; /* theoretical arrival time; 0: free */
};

struct rate_limit_table {
	unsigned char secret[SECRET_SIZE];
	pthread_mutex_t mutex; /* held to change the tag of an entry */
	struct place rows[RATE_LIMIT_ROWS][RATE_LIMIT_PLACES];
};

struct rate_limit_table *
rate_limit_table_new(void)
{
	/* calloc() returns pages that take no memory until they are used. */
	struct rate_limit_table *t = calloc(1, sizeof(*t));

	if (t == NULL || pthread_mutex_init(&t->mutex, NULL) != 0)
		abort();
	random_bytes(t->secret, sizeof(t->secret));
	return t;
}

void
rate_limit_table_free(struct rate_limit_table *t)
{
	if (t == NULL)
		return;
	pthread_mutex_destroy(&t->mutex);
	free(t);
}

static void
hash_key(const struct rate_limit_table *t, const char *key,
    uint64_t ret_hash[HASH_WORDS])
{
	hmac_sha256(t->secret, sizeof(t->secret), key, strlen(key),
	    (unsigned char *)ret_hash);
}

/* Returns the key's entry; NULL when the key is not in the row. */
static struct place *
find_place(struct place *row, const uint64_t tag[2])
{
	for (int i = 0; i < RATE_LIMIT_PLACES; i++) {
		if (atomic_load(&row[i].tag[0]) == tag[0] &&
		    atomic_load(&row[i].tag[1]) == tag[1])
			return &row[i];
	}
	return NULL;
}

/*
 * Gives the key a free entry, or else the entry with the earliest due_us, whose
 * limit is the first to be fully available again.  The caller holds the lock.
 */
static struct place *
take_place(struct place *row, const uint64_t tag[2])
{
	struct place *least = row;

	for (int i = 1; i < RATE_LIMIT_PLACES; i++) {
		if (atomic_load(&row[i].due_us) < atomic_load(&least->due_us))
			least = &row[i];
	}
	atomic_store(&least->tag[0], tag[0]);
	atomic_store(&least->tag[1], tag[1]);
	atomic_store(&least->due_us, 0);
	return least;
}

static struct place *
get_place(struct rate_limit_table *t, struct place *row, const uint64_t tag[2])
{
	struct place *p = find_place(row, tag);

	if (p != NULL)
		return p;
	pthread_mutex_lock(&t->mutex);
	p = find_place(row, tag);
	if (p == NULL)
		p = take_place(row, tag);
	pthread_mutex_unlock(&t->mutex);
	return p;
}

static enum err
take(struct place *p, int64_t step_us, int64_t period_us, int64_t now_us,
    int64_t *ret_retry_ms)
{
	int64_t due_us = atomic_load(&p->due_us), next_us, wait_us;

	do {
		next_us = (due_us > now_us ? due_us : now_us) + step_us;
		wait_us = next_us - period_us - now_us;
		if (wait_us > 0) {
			*ret_retry_ms = (wait_us + 999) / 1000;
			return ERR_RATE_LIMITED;
		}
	} while (!atomic_compare_exchange_weak(&p->due_us, &due_us, next_us));
	return ERR_OK;
}

enum err
rate_limit_table_take(struct rate_limit_table *t, const char *key, int64_t cost,
    int64_t burst, int64_t period_ms, int64_t now_us, int64_t *ret_retry_ms)
{
	uint64_t hash[HASH_WORDS];
	int64_t period_us = period_ms * 1000;

	assert(burst > 0 && period_ms > 0 && cost > 0 && cost <= burst);
	hash_key(t, key, hash);
	return take(get_place(t, t->rows[hash[0] % RATE_LIMIT_ROWS], &hash[1]),
	    period_us / burst * cost, period_us, now_us, ret_retry_ms);
}

void
rate_limit_table_refund(struct rate_limit_table *t, const char *key,
    int64_t cost, int64_t burst, int64_t period_ms)
{
	uint64_t hash[HASH_WORDS];
	struct place *p;

	assert(burst > 0 && period_ms > 0 && cost > 0 && cost <= burst);
	hash_key(t, key, hash);
	p = find_place(t->rows[hash[0] % RATE_LIMIT_ROWS], &hash[1]);
	/*
	 * The refund may move due_us into the past; the key then counts as
	 * unused.
	 */
	if (p != NULL)
		atomic_fetch_sub(&p->due_us, period_ms * 1000 / burst * cost);
}

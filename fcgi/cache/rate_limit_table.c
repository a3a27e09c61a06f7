#include "cache/rate_limit_table.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/random.h"

enum { SECRET_SIZE = 32, HASH_WORDS = SHA256_SIZE / sizeof(uint64_t) };

struct place {
	uint64_t tag[2]; /* of the key; the due time of a free place is 0 */
	int64_t due_us; /* theoretical arrival time of the next step */
};

struct rate_limit_table {
	unsigned char secret[SECRET_SIZE];
	pthread_mutex_t mutex; /* guards the places */
	struct place rows[RATE_LIMIT_ROWS][RATE_LIMIT_PLACES];
};

struct rate_limit_table *
rate_limit_table_new(void)
{
	/* From calloc: pages that no key has touched cost no memory. */
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

static struct place *
known_place(struct place *row, const uint64_t tag[2])
{
	for (int i = 0; i < RATE_LIMIT_PLACES; i++) {
		if (memcmp(row[i].tag, tag, sizeof(row[i].tag)) == 0)
			return &row[i];
	}
	return NULL;
}

/* The key's place in its row, or the one that it takes over. */
static struct place *
find_place(struct place *row, const uint64_t tag[2])
{
	struct place *known = known_place(row, tag), *least = row;

	if (known != NULL)
		return known;
	for (int i = 1; i < RATE_LIMIT_PLACES; i++) {
		if (row[i].due_us < least->due_us)
			least = &row[i];
	}
	memcpy(least->tag, tag, sizeof(least->tag));
	least->due_us = 0;
	return least;
}

static enum err
take(struct place *p, int64_t step_us, int64_t period_us, int64_t now_us,
    int64_t *ret_retry_ms)
{
	int64_t due_us = (p->due_us > now_us ? p->due_us : now_us) + step_us;
	int64_t wait_us = due_us - period_us - now_us;

	if (wait_us > 0) {
		*ret_retry_ms = (wait_us + 999) / 1000;
		return ERR_RATE_LIMITED;
	}
	p->due_us = due_us;
	return ERR_OK;
}

enum err
rate_limit_table_take(struct rate_limit_table *t, const char *key, int64_t cost,
    int64_t burst, int64_t period_ms, int64_t now_us, int64_t *ret_retry_ms)
{
	uint64_t hash[HASH_WORDS];
	int64_t period_us = period_ms * 1000;
	enum err e;

	assert(burst > 0 && period_ms > 0 && cost > 0 && cost <= burst);
	hash_key(t, key, hash);
	pthread_mutex_lock(&t->mutex);
	e = take(find_place(t->rows[hash[0] % RATE_LIMIT_ROWS], &hash[1]),
	    period_us / burst * cost, period_us, now_us, ret_retry_ms);
	pthread_mutex_unlock(&t->mutex);
	return e;
}

void
rate_limit_table_refund(struct rate_limit_table *t, const char *key,
    int64_t cost, int64_t burst, int64_t period_ms)
{
	uint64_t hash[HASH_WORDS];
	struct place *p;

	assert(burst > 0 && period_ms > 0 && cost > 0 && cost <= burst);
	hash_key(t, key, hash);
	pthread_mutex_lock(&t->mutex);
	p = known_place(t->rows[hash[0] % RATE_LIMIT_ROWS], &hash[1]);
	/* A due time in the past is as good as none. */
	if (p != NULL)
		p->due_us -= period_ms * 1000 / burst * cost;
	pthread_mutex_unlock(&t->mutex);
}

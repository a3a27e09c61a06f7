#include "job/job_count.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "job/job_buckets.h"
#include "job/job_set.h"

enum { TEXT_MAX_BYTES = 1 << 20 };

struct count {
	int64_t completed;
	int64_t failed; /* attempts */
	int64_t discarded;
	int64_t run_ms;
	int64_t buckets[JOB_BUCKETS];
};

struct job_counts {
	const struct job_set *set;
	int nkinds;
	pthread_mutex_t mutex; /* guards `now` */
	struct count *now;
	struct count *taken; /* the pulse's own */
	int64_t *rest_us; /* of each kind: less than a millisecond */
};

struct job_counts *
job_counts_new(const struct job_set *set)
{
	struct job_counts *c = calloc(1, sizeof(*c));
	size_t n = (size_t)job_set_count_kinds(set);

	if (c == NULL)
		abort();
	c->set = set;
	c->nkinds = (int)n;
	c->now = calloc(n + 1, sizeof(*c->now));
	c->taken = calloc(n + 1, sizeof(*c->taken));
	c->rest_us = calloc(n + 1, sizeof(*c->rest_us));
	if (c->now == NULL || c->taken == NULL || c->rest_us == NULL ||
	    pthread_mutex_init(&c->mutex, NULL) != 0)
		abort();
	return c;
}

void
job_counts_free(struct job_counts *c)
{
	if (c == NULL)
		return;
	pthread_mutex_destroy(&c->mutex);
	free(c->now);
	free(c->taken);
	free(c->rest_us);
	free(c);
}

void
job_counts_add(struct job_counts *c, int kind, enum job_outcome outcome,
    bool last, int64_t ran_us)
{
	struct count *n = &c->now[kind];
	bool failed = outcome == OUTCOME_FAILED || outcome == OUTCOME_DISCARDED;

	assert(kind >= 0 && kind < c->nkinds);
	if (outcome == OUTCOME_SNOOZED)
		return;
	pthread_mutex_lock(&c->mutex);
	n->completed += outcome == OUTCOME_COMPLETED;
	n->failed += failed;
	n->discarded +=
	    outcome == OUTCOME_DISCARDED || (outcome == OUTCOME_FAILED && last);
	c->rest_us[kind] += ran_us;
	n->run_ms += c->rest_us[kind] / 1000;
	c->rest_us[kind] %= 1000;
	n->buckets[job_bucket((ran_us + 999) / 1000)]++;
	pthread_mutex_unlock(&c->mutex);
}

static void
add_to(struct count *sum, const struct count *n)
{
	sum->completed += n->completed;
	sum->failed += n->failed;
	sum->discarded += n->discarded;
	sum->run_ms += n->run_ms;
	for (int i = 0; i < JOB_BUCKETS; i++)
		sum->buckets[i] += n->buckets[i];
}

static bool
is_nothing(const struct count *n)
{
	static const struct count nothing;

	return memcmp(n, &nothing, sizeof(nothing)) == 0;
}

static void
put_count(struct buf *b, const char *kind, const struct count *n)
{
	buf_puts(b, b->len == 0 ? "[" : ",");
	buf_printf(b,
	    "{\"kind\":\"%s\",\"completed\":%lld,\"failed\":%lld,"
	    "\"discarded\":%lld,\"runMs\":%lld,\"buckets\":",
	    kind, (long long)n->completed, (long long)n->failed,
	    (long long)n->discarded, (long long)n->run_ms);
	for (int i = 0; i < JOB_BUCKETS; i++) {
		buf_putc(b, i == 0 ? '[' : ',');
		buf_put_i64(b, n->buckets[i]);
	}
	buf_puts(b, "]}");
}

const char *
job_counts_take(struct job_counts *c, struct arena *a)
{
	size_t size = (size_t)c->nkinds * sizeof(*c->now);
	struct buf b;

	pthread_mutex_lock(&c->mutex);
	memcpy(c->taken, c->now, size);
	memset(c->now, 0, size);
	pthread_mutex_unlock(&c->mutex);

	buf_init(&b, a, TEXT_MAX_BYTES);
	for (int i = 0; i < c->nkinds; i++) {
		if (!is_nothing(&c->taken[i]))
			put_count(
			    &b, job_set_kind_at(c->set, i)->name, &c->taken[i]);
	}
	if (b.len == 0)
		return NULL;
	buf_putc(&b, ']');
	return b.data;
}

void
job_counts_give_back(struct job_counts *c)
{
	pthread_mutex_lock(&c->mutex);
	for (int i = 0; i < c->nkinds; i++)
		add_to(&c->now[i], &c->taken[i]);
	pthread_mutex_unlock(&c->mutex);
}

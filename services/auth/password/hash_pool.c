#include "auth/password/hash_pool.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "auth/log_events.h"
#include "auth/password/hash_queue.h"
#include "auth/password/hash_slots.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

/*
 * The lowest priority: with nice 10, verify's p99 more than doubled under load.
 * And the longest slice: since Linux 6.12 a thread that wakes up preempts at
 * once a thread with a longer slice than its own, otherwise only at the end of
 * the slice (sched(7), sched_setattr(2)).  Sometimes it still waits for the
 * next tick.
 */
enum { HASH_NICE = 19, HASH_SLICE_NS = 100 * 1000 * 1000 };

/* The indexes of the rows below. */
enum { HASHES = METRIC__MAX, REJECTED };
enum { WAITING = GAUGE__MAX };
enum { WAIT_TIME = HISTOGRAM__MAX, HASH_TIME };

/* clang-format off */
static const struct metrics_name counters[] = {
	{ "kedge_password_hashes_total", .help = "Password hashes computed." },
	{ "kedge_password_rejected_total",
	  .help = "Password hashes refused because the queue was full." },
	{ 0 },
};
static const struct metrics_name gauges[] = {
	{ "kedge_password_hashes_waiting",
	  .help = "Password hashes that are queued or being computed." },
	{ 0 },
};
static const struct metrics_name histograms[] = {
	{ "kedge_password_hash_wait_seconds",
	  .help = "Time that password hashes were queued." },
	{ "kedge_password_hash_seconds",
	  .help = "Time to compute a password hash." },
	{ 0 },
};
/* clang-format on */
const struct metrics_own hash_pool_metrics = {
	.counters = counters,
	.gauges = gauges,
	.histograms = histograms,
};

/* On the stack of the request's thread, which waits until it is done. */
struct job {
	struct hash_waiter
	    waiter; /* must be the first member: the pointer is converted */
	const struct hash_client *client;
	struct log_request request; /* the request, for the log */
	int64_t queued_us;
	const char *password;
	const char *salt;
	unsigned char *key;
	enum err e;
	bool done;
	pthread_cond_t finished;
};

struct hash_pool {
	struct hash_pool_options options;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct hash_queue queue;
	int waiting; /* in the queue, or being hashed */
	int next_slot;
	bool closing;
	int nthreads;
	pthread_t threads[HASH_SLOTS_MAX];
};

/*
 * The argument of sched_setattr(2).  glibc has the function from 2.41 on, and
 * the kernel's header cannot be included together with other headers.
 */
struct scheduling {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t slice_ns; /* "runtime" */
	uint64_t deadline;
	uint64_t period;
};

static void
yield_to_others(void)
{
	struct scheduling attr = {
		.size = sizeof(attr),
		.policy = SCHED_BATCH,
		.nice = HASH_NICE,
		.slice_ns = HASH_SLICE_NS,
	};

	if (syscall(SYS_sched_setattr, 0, &attr, 0) != 0)
		log_event(LOG_WARN, EVENT_HASH_PRIORITY_FAILED);
}

/*
 * Returns the next job, or NULL when the pool closes.  The caller holds the
 * lock.
 */
static struct job *
wait_for_job(struct hash_pool *p)
{
	struct job *job;

	while ((job = (struct job *)hash_queue_pop(&p->queue)) == NULL &&
	       !p->closing)
		pthread_cond_wait(&p->work, &p->lock);
	return job;
}

/* The caller holds the lock. */
static void
finish(struct hash_pool *p, struct job *job, enum err e)
{
	job->e = e;
	job->done = true;
	p->waiting--;
	metrics_gauge_add(WAITING, -1);
	pthread_cond_signal(&job->finished);
}

static bool
has_left(const struct hash_client *client)
{
	return client->has_left != NULL && client->has_left(client->ctx);
}

static enum err
hash(struct hash_pool *p, const struct job *job, int home)
{
	int slot;
	int64_t began_us;
	bool left, ok;

	/* Other processes may hold all slots for a while. */
	slot = hash_slots_take(p->options.slots, p->options.concurrency, home);
	began_us = clock_monotonic_us();
	metrics_observe(WAIT_TIME, began_us - job->queued_us);
	left = has_left(job->client);
	ok = !left && password_derive(job->password, job->salt, job->key);
	hash_slots_give(p->options.slots, slot);
	if (left)
		return ERR_ABANDONED;
	metrics_observe(HASH_TIME, clock_monotonic_us() - began_us);
	metrics_add(HASHES, 1);
	return ok ? ERR_OK : ERR_UNAVAILABLE;
}

static void *
hash_jobs(void *arg)
{
	struct hash_pool *p = arg;
	struct job *job;
	int home;

	yield_to_others();
	pthread_mutex_lock(&p->lock);
	home = p->next_slot++;
	while ((job = wait_for_job(p)) != NULL) {
		enum err e;

		pthread_mutex_unlock(&p->lock);
		log_set_request(job->request.request_id, job->request.trace_id);
		e = hash(p, job, home);
		log_set_request(NULL, NULL);
		pthread_mutex_lock(&p->lock);
		finish(p, job, e);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct hash_pool *
hash_pool_new(const struct hash_pool_options *options)
{
	struct hash_pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	assert(options->concurrency >= 1 &&
	       options->concurrency <= HASH_SLOTS_MAX);
	p->options = *options;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	while (p->nthreads < options->concurrency) {
		if (pthread_create(
			&p->threads[p->nthreads], NULL, hash_jobs, p) != 0) {
			log_event(LOG_ERROR, EVENT_HASH_THREAD_FAILED);
			hash_pool_free(p);
			return NULL;
		}
		p->nthreads++;
	}
	return p;
}

void
hash_pool_free(struct hash_pool *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->nthreads; i++)
		pthread_join(p->threads[i], NULL);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* "" when the network is not known. */
static const char *
network_of(const struct hash_client *client)
{
	return client->network != NULL ? client->network : "";
}

static bool
is_full(const struct hash_pool *p)
{
	return p->waiting >= p->options.waiting_max;
}

/* The caller holds the lock. */
static bool
turns_away(const struct hash_pool *p, const struct hash_client *client)
{
	bool away =
	    is_full(p) && !hash_queue_gives_way(&p->queue, network_of(client));

	if (away)
		metrics_add(REJECTED, 1);
	return away;
}

bool
hash_pool_turns_away(struct hash_pool *p, const struct hash_client *client)
{
	bool away;

	pthread_mutex_lock(&p->lock);
	away = turns_away(p, client);
	pthread_mutex_unlock(&p->lock);
	return away;
}

/*
 * Returns false when too many are waiting already.  The caller holds the lock.
 */
static bool
enqueue(struct hash_pool *p, struct job *job)
{
	if (turns_away(p, job->client))
		return false;
	if (is_full(p)) {
		metrics_add(REJECTED, 1);
		finish(p, (struct job *)hash_queue_drop_last(&p->queue),
		    ERR_RATE_LIMITED);
	}
	job->waiter.network = network_of(job->client);
	hash_queue_push(&p->queue, &job->waiter);
	p->waiting++;
	metrics_gauge_add(WAITING, 1);
	pthread_cond_signal(&p->work);
	return true;
}

enum err
hash_pool_derive(struct hash_pool *p, const struct hash_client *client,
    const char *password, const char *salt,
    unsigned char ret_key[PASSWORD_KEY_SIZE])
{
	unsigned char key[PASSWORD_KEY_SIZE];
	struct job job = {
		.client = client,
		.request = log_get_request(),
		.queued_us = clock_monotonic_us(),
		.password = password,
		.salt = salt,
		.key = key,
	};
	bool enqueued;

	pthread_cond_init(&job.finished, NULL);
	pthread_mutex_lock(&p->lock);
	enqueued = enqueue(p, &job);
	while (enqueued && !job.done)
		pthread_cond_wait(&job.finished, &p->lock);
	pthread_mutex_unlock(&p->lock);
	pthread_cond_destroy(&job.finished);

	if (!enqueued)
		return ERR_RATE_LIMITED;
	if (job.e == ERR_OK) {
		memcpy(ret_key, key, sizeof(key));
		explicit_bzero(key, sizeof(key));
	}
	return job.e;
}

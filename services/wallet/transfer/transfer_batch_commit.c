#include "wallet/transfer/transfer_batch_commit.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "db/db.h"
#include "wallet/operation/operation.h"
#include "wallet/transfer/transfer_item.h"

enum { BATCH_MAX = 64 };
/*
 * A batch that takes longer than this waits for a lock, so the next batch does
 * not wait for it.
 */
static const int64_t late_us = 20 * 1000;
/*
 * How long a leader waits for other requests, at most; it never waits for
 * longer than the last batch took.
 */
static const int64_t gather_max_us = 2 * 1000;

/*
 * One request that waits for its batch. The struct is on the stack of the
 * request's thread, which waits until the batch is done. The thread that makes
 * the batch (its leader) wakes the other threads after it has released the
 * lock, since they would all have to wait for the lock.
 */
struct waiter {
	struct transfer_item item;
	struct arena *arena;
	struct waiter *next;
	bool queued;
	/*
	 * how often this request was asked to lead a batch, or was told that
	 * its batch is large enough
	 */
	int invitations;
	/* posted for each invitation, and once more when the result is ready */
	sem_t woken;
	/* how often the thread has returned from waiting for `woken` */
	int wakeups;

	struct transfer_answer *ret_answer;
	enum err result;
	bool retry_alone; /* the batch has failed; make this transfer alone */
};

/* The requests of this process that wait for a batch, oldest first. */
static struct {
	pthread_mutex_t lock;
	struct waiter *first;
	struct waiter **end;
	size_t length; /* number of the requests that wait */
	uint64_t batches; /* number of batches that have begun */
	/* number of the newest batch while it runs; otherwise 0 */
	uint64_t current;
	int64_t started_us; /* when the newest batch began */
	struct waiter *gatherer; /* the leader that waits for others, or NULL */
	/* how many requests a leader waits for, itself included */
	size_t expected;
	int64_t gather_us; /* how long it waits for them */
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER, .end = &queue.first };

static void
append(struct waiter *m)
{
	m->next = NULL;
	m->queued = true;
	*queue.end = m;
	queue.end = &m->next;
	queue.length++;
}

static void
remove_at(struct waiter **at)
{
	struct waiter *m = *at;

	*at = m->next;
	if (queue.end == &m->next)
		queue.end = at;
	m->queued = false;
	queue.length--;
}

static void
remove_from_queue(struct waiter *m)
{
	struct waiter **at = &queue.first;

	while (*at != m)
		at = &(*at)->next;
	remove_at(at);
}

static bool
same_key(const struct waiter *m, const struct waiter *other)
{
	return str_eq(m->item.operation->key, other->item.operation->key) &&
	       str_eq(m->item.who->user_id, other->item.who->user_id);
}

static bool
has_key_of(struct waiter *const *batch, size_t count, const struct waiter *m)
{
	for (size_t i = 0; i < count; i++) {
		if (same_key(batch[i], m))
			return true;
	}
	return false;
}

/*
 * Takes requests for the leader's batch from the front of the queue. Of several
 * requests with the same idempotency key it takes only the first: the others
 * will find the response that the first one stores.
 */
static size_t
take_batch(struct waiter *leader, struct waiter *batch[BATCH_MAX])
{
	struct waiter **at = &queue.first;
	size_t count = 0;

	batch[count++] = leader;

	while (*at != NULL && count < BATCH_MAX) {
		struct waiter *m = *at;

		if (has_key_of(batch, count, m)) {
			at = &m->next;
			continue;
		}
		remove_at(at);
		batch[count++] = m;
	}
	return count;
}

static const struct db_stmt make_batch = {
	.name = "transfer_batch_commit",
	.sql = "SELECT " TRANSFER_MADE_COLUMNS " FROM ledger_transfers($1)",
	.nargs = 1,
};

/*
 * Makes the transfers of all requests in one statement. ERR_CONFLICT: another
 * transaction had locked an account or a key; nothing was done.
 */
static enum err
run_many(struct db *db, struct arena *a, struct waiter **batch, size_t count)
{
	struct transfer_item items[BATCH_MAX];
	const int *row_of;
	struct db_rows rows;
	enum err e;

	for (size_t i = 0; i < count; i++)
		items[i] = batch[i]->item;
	e = db_run(db, a, &make_batch,
	    DB_ARGS(transfer_items_text(a, items, count)), &rows);
	if (e != ERR_OK)
		return e;
	if (rows.count == 0)
		return ERR_CONFLICT;
	row_of = transfer_made_rows(a, &rows, 1, count);
	for (size_t i = 0; i < count; i++) {
		struct waiter *m = batch[i];

		*m->ret_answer = transfer_made_read(
		    m->arena, &rows, row_of[i], m->item.who, m->item.order);
	}
	return ERR_OK;
}

static enum err
run_one(struct db *db, struct waiter *m)
{
	return transfer_make(db, m->arena, m->item.who, m->item.operation,
	    m->item.order, m->ret_answer);
}

/*
 * Stores the result of a batch in its requests. The caller holds the lock, so
 * the next thread that takes the lock sees the results.
 */
static void
set_results(struct waiter **batch, size_t count, enum err e)
{
	/*
	 * If PostgreSQL is unavailable, making each transfer alone would fail,
	 * too.
	 */
	bool retry_alone = e != ERR_OK && e != ERR_UNAVAILABLE && count > 1;

	for (size_t i = 0; i < count; i++) {
		batch[i]->result = e;
		batch[i]->retry_alone = retry_alone;
	}
}

/*
 * Wakes the threads of a batch. After that, the structs may not exist any more.
 */
static void
wake(struct waiter **batch, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sem_post(&batch[i]->woken);
}

static void
invite(struct waiter *m)
{
	m->invitations++;
	sem_post(&m->woken);
}

static void
invite_next(void)
{
	if (queue.first != NULL)
		invite(queue.first);
}

static bool
may_lead(void)
{
	return queue.current == 0 ||
	       clock_monotonic_us() - queue.started_us >= late_us;
}

/*
 * Waits for an invitation, until at_us. The caller holds the lock, which is
 * released meanwhile.
 */
static void
wait_until(struct waiter *m, int64_t at_us)
{
	struct timespec at = clock_timespec(at_us);

	pthread_mutex_unlock(&queue.lock);
	if (sem_clockwait(&m->woken, CLOCK_MONOTONIC, &at) == 0)
		m->wakeups++;
	pthread_mutex_lock(&queue.lock);
}

/*
 * Waits for the result of a request that a leader has taken. `woken` may also
 * have been posted for invitations that the thread has not noticed; the last
 * post is for the result.
 */
static void
wait_for_answer(struct waiter *m)
{
	while (m->wakeups <= m->invitations) {
		if (sem_wait(&m->woken) == 0)
			m->wakeups++;
		else
			assert(errno == EINTR);
	}
}

static bool
is_gathered(void)
{
	return 1 + queue.length >= queue.expected;
}

/*
 * Waits until as many requests as are expected have arrived, or until a time
 * has passed. The caller holds the lock, which is released meanwhile.
 */
static void
gather(struct waiter *leader)
{
	int64_t end_us = queue.started_us + queue.gather_us;

	if (queue.gatherer != NULL)
		return;
	queue.gatherer = leader;
	while (!is_gathered() && clock_monotonic_us() < end_us)
		wait_until(leader, end_us);
	queue.gatherer = NULL;
}

/*
 * Finds out how many requests the next leader should wait for: those of the
 * batch that has just ended, whose clients may soon send their next requests,
 * and those that have arrived meanwhile. After a batch of one, a leader does
 * not wait: its client may be the only one.
 */
static void
expect(size_t count, int64_t took_us)
{
	queue.expected = count > 1 ? count + queue.length : 1;
	if (queue.expected > BATCH_MAX)
		queue.expected = BATCH_MAX;
	queue.gather_us = took_us < gather_max_us ? took_us : gather_max_us;
}

/*
 * Makes a batch of the leader's request and others. The caller holds the lock,
 * which is released meanwhile.
 */
static void
lead(struct db *db, struct waiter *leader)
{
	struct waiter *batch[BATCH_MAX];
	uint64_t number = ++queue.batches;
	int64_t began_us;
	size_t count;
	enum err e;

	queue.current = number;
	queue.started_us = clock_monotonic_us();
	remove_from_queue(leader);
	gather(leader);
	count = take_batch(leader, batch);
	pthread_mutex_unlock(&queue.lock);
	began_us = clock_monotonic_us();
	e = count == 1 ? run_one(db, leader)
	               : run_many(db, leader->arena, batch, count);
	pthread_mutex_lock(&queue.lock);
	expect(count, clock_monotonic_us() - began_us);
	if (queue.current == number)
		queue.current = 0;
	set_results(batch, count, e);
	invite_next();
	pthread_mutex_unlock(&queue.lock);
	wake(batch, count);
	pthread_mutex_lock(&queue.lock);
}

enum err
transfer_batch_commit_make(struct db *db, struct arena *a,
    const struct transfer_actor *who, const struct operation *o,
    const struct transfer_order *order, struct transfer_answer *ret_answer)
{
	struct waiter me = {
		.item = { .order = order, .who = who, .operation = o },
		.arena = a,
		.ret_answer = ret_answer,
	};

	sem_init(&me.woken, /* pshared= */ 0, 0);
	pthread_mutex_lock(&queue.lock);
	append(&me);
	if (queue.gatherer != NULL && is_gathered())
		invite(queue.gatherer);
	while (me.queued) {
		if (may_lead())
			lead(db, &me);
		else
			wait_until(&me, queue.started_us + late_us);
	}
	pthread_mutex_unlock(&queue.lock);
	wait_for_answer(&me);
	sem_destroy(&me.woken);
	return me.retry_alone ? run_one(db, &me) : me.result;
}

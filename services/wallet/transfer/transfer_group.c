#include "wallet/transfer/transfer_group.h"

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

enum { GROUP_MAX = 64 };
/* A group that is out for longer waits for somebody: the next need not. */
static const int64_t late_us = 20 * 1000;

/*
 * One request; on the stack of its thread, which stays until it is done.  Who
 * leads its group wakes it without the lock, for which those who are woken all
 * at once would queue.
 */
struct member {
	struct transfer_item item;
	struct arena *arena;
	struct member *next;
	bool waits; /* in the queue */
	int invitations; /* to lead, while it waited */
	sem_t woken; /* at each of them, and when there is an answer */
	int heard; /* so often it has woken up */

	struct transfer_answer *ret_answer;
	enum err result;
	bool has_failed_with_group; /* and nothing is known of it alone */
};

/* What waits to be taken along, oldest first; of this process. */
static struct {
	pthread_mutex_t lock;
	struct member *first;
	struct member **end;
	uint64_t groups; /* so many have been led */
	uint64_t current; /* the last of them, while it is out; else 0 */
	int64_t started_us; /* when it left */
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER, .end = &queue.first };

static void
append(struct member *m)
{
	m->next = NULL;
	m->waits = true;
	*queue.end = m;
	queue.end = &m->next;
}

static bool
same_key(const struct member *m, const struct member *other)
{
	return str_eq(m->item.operation->key, other->item.operation->key) &&
	       str_eq(m->item.who->user_id, other->item.who->user_id);
}

static bool
has_key_of(struct member *const *group, size_t count, const struct member *m)
{
	for (size_t i = 0; i < count; i++) {
		if (same_key(group[i], m))
			return true;
	}
	return false;
}

/* From the front; but of one key only the first, for the others replay it. */
static size_t
take_group(struct member *group[GROUP_MAX])
{
	struct member **at = &queue.first;
	size_t count = 0;

	while (*at != NULL && count < GROUP_MAX) {
		struct member *m = *at;

		if (has_key_of(group, count, m)) {
			at = &m->next;
			continue;
		}
		*at = m->next;
		if (queue.end == &m->next)
			queue.end = at;
		m->waits = false;
		group[count++] = m;
	}
	return count;
}

static const struct db_stmt make_group = {
	.name = "transfer_group",
	.sql = "SELECT " TRANSFER_MADE_COLUMNS " FROM ledger_transfers($1)",
	.nargs = 1,
};

/* ERR_CONFLICT: somebody had locked an account; nothing was done. */
static enum err
run_many(struct db *db, struct arena *a, struct member **group, size_t count)
{
	struct transfer_item items[GROUP_MAX];
	const int *row_of;
	struct db_rows rows;
	enum err e;

	for (size_t i = 0; i < count; i++)
		items[i] = group[i]->item;
	e = db_run(db, a, &make_group,
	    DB_ARGS(transfer_items_text(a, items, count)), &rows);
	if (e != ERR_OK)
		return e;
	if (rows.count == 0)
		return ERR_CONFLICT;
	row_of = transfer_made_rows(a, &rows, 1, count);
	for (size_t i = 0; i < count; i++) {
		struct member *m = group[i];

		*m->ret_answer = transfer_made_read(
		    m->arena, &rows, row_of[i], m->item.who, m->item.order);
	}
	return ERR_OK;
}

static enum err
run_one(struct db *db, struct member *m)
{
	return transfer_make(db, m->arena, m->item.who, m->item.operation,
	    m->item.order, m->ret_answer);
}

/* With the lock held, so that whoever takes it next sees the answers. */
static void
conclude(struct member **group, size_t count, enum err e)
{
	/* Who is away for all of them is away for each. */
	bool ask_alone = e != ERR_OK && e != ERR_UNAVAILABLE && count > 1;

	for (size_t i = 0; i < count; i++) {
		group[i]->result = e;
		group[i]->has_failed_with_group = ask_alone;
	}
}

/* After this a member is gone. */
static void
wake(struct member **group, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sem_post(&group[i]->woken);
}

static void
invite_next(void)
{
	if (queue.first == NULL)
		return;
	queue.first->invitations++;
	sem_post(&queue.first->woken);
}

static bool
may_lead(void)
{
	return queue.current == 0 ||
	       clock_monotonic_us() - queue.started_us >= late_us;
}

/* Until it is taken along, or may lead; without the lock, which was held. */
static void
wait_for_turn(struct member *m)
{
	int64_t at_us = queue.started_us + late_us;
	struct timespec at = { .tv_sec = at_us / 1000000,
		.tv_nsec = at_us % 1000000 * 1000 };

	pthread_mutex_unlock(&queue.lock);
	if (sem_clockwait(&m->woken, CLOCK_MONOTONIC, &at) == 0)
		m->heard++;
	pthread_mutex_lock(&queue.lock);
}

/* Of a member that was taken; an invitation may have come too late. */
static void
wait_for_answer(struct member *m)
{
	while (m->heard <= m->invitations) {
		if (sem_wait(&m->woken) == 0)
			m->heard++;
		else
			assert(errno == EINTR);
	}
}

/* With the lock held; it is let go meanwhile. */
static void
lead(struct db *db, struct arena *a)
{
	struct member *group[GROUP_MAX];
	uint64_t mine = ++queue.groups;
	size_t count;
	enum err e;

	queue.current = mine;
	queue.started_us = clock_monotonic_us();
	count = take_group(group);
	pthread_mutex_unlock(&queue.lock);
	e = count == 1 ? run_one(db, group[0]) : run_many(db, a, group, count);
	pthread_mutex_lock(&queue.lock);
	if (queue.current == mine)
		queue.current = 0;
	conclude(group, count, e);
	invite_next();
	pthread_mutex_unlock(&queue.lock);
	wake(group, count);
	pthread_mutex_lock(&queue.lock);
}

enum err
transfer_group_make(struct db *db, struct arena *a,
    const struct transfer_actor *who, const struct operation *o,
    const struct transfer_order *order, struct transfer_answer *ret_answer)
{
	struct member me = {
		.item = { .order = order, .who = who, .operation = o },
		.arena = a,
		.ret_answer = ret_answer,
	};

	sem_init(&me.woken, /* pshared= */ 0, 0);
	pthread_mutex_lock(&queue.lock);
	append(&me);
	while (me.waits) {
		if (may_lead())
			lead(db, a);
		else
			wait_for_turn(&me);
	}
	pthread_mutex_unlock(&queue.lock);
	wait_for_answer(&me);
	sem_destroy(&me.woken);
	return me.has_failed_with_group ? run_one(db, &me) : me.result;
}

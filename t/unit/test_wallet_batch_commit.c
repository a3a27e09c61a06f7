/*
 * The tests replace the statements by functions that wait until the test lets
 * them end, and the clock by one that stands still: so each test decides which
 * requests are together in a batch.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "unit.h"

#include "base/clock.h"
#include "db/db.h"
#include "wallet/operation/operation.h"
#include "wallet/transfer/transfer_item.h"

static _Atomic int64_t now_us;

static int64_t
fake_now_us(void)
{
	return now_us;
}

/*
 * Waits like sem_clockwait(), but on the clock of the test: until the semaphore
 * is posted or the test has set the clock.
 */
static int
fake_clockwait(sem_t *sem, clockid_t clock, const struct timespec *at)
{
	int64_t at_us = at->tv_sec * 1000000 + at->tv_nsec / 1000;

	(void)clock;
	while (sem_trywait(sem) != 0) {
		if (now_us >= at_us)
			return -1;
		sched_yield();
	}
	return 0;
}

static enum err fake_run(struct db *db, struct arena *a,
    const struct db_stmt *stmt, struct db_args args, struct db_rows *ret_rows);
static enum err fake_make(struct db *db, struct arena *a,
    const struct transfer_actor *who, const struct operation *o,
    const struct transfer_order *order, struct transfer_answer *ret_answer);
static const char *
fake_text(struct arena *a, const struct transfer_item *items, size_t count);
static const int *fake_rows(
    struct arena *a, const struct db_rows *rows, size_t first, size_t last);
static struct transfer_answer fake_read(struct arena *a,
    const struct db_rows *rows, int row, const struct transfer_actor *who,
    const struct transfer_order *order);

#define clock_monotonic_us fake_now_us
#define sem_clockwait fake_clockwait
#define db_run fake_run
#define transfer_make fake_make
#define transfer_items_text fake_text
#define transfer_made_rows fake_rows
#define transfer_made_read fake_read
#include "wallet/transfer/transfer_batch_commit.c"

enum { REQUESTS_MAX = 16, BATCHES_MAX = 16 };

static struct {
	size_t size[BATCHES_MAX];
	atomic_int begun;
	/* posted by the test for each batch that may end */
	sem_t may_end;
	int64_t takes_us;
} made;

static struct request {
	pthread_t thread;
	struct arena *arena;
	struct operation operation;
	struct transfer_actor who;
	struct transfer_order order;
	struct transfer_answer answer;
	enum err result;
} requests[REQUESTS_MAX];
static int nrequests;

static void
make_now(size_t size)
{
	int n = made.begun;

	ck_assert_int_lt(n, BATCHES_MAX);
	made.size[n] = size;
	made.begun = n + 1;
	sem_wait(&made.may_end);
	now_us += made.takes_us;
}

static enum err
fake_make(struct db *db, struct arena *a, const struct transfer_actor *who,
    const struct operation *o, const struct transfer_order *order,
    struct transfer_answer *ret_answer)
{
	(void)db, (void)a, (void)who, (void)order;
	make_now(1);
	*ret_answer = (struct transfer_answer){ .code = o->key };
	return ERR_OK;
}

static const char *
fake_text(struct arena *a, const struct transfer_item *items, size_t count)
{
	struct transfer_item *copy = arena_alloc(a, count * sizeof(*copy));

	for (size_t i = 0; i < count; i++)
		copy[i] = items[i];
	make_now(count);
	return (const char *)copy;
}

static enum err
fake_run(struct db *db, struct arena *a, const struct db_stmt *stmt,
    struct db_args args, struct db_rows *ret_rows)
{
	(void)db, (void)a, (void)stmt, (void)args;
	*ret_rows = (struct db_rows){ .count = 1 };
	return ERR_OK;
}

static const int *
fake_rows(
    struct arena *a, const struct db_rows *rows, size_t first, size_t last)
{
	int *row_of = arena_alloc(a, (last - first + 1) * sizeof(*row_of));

	(void)rows;
	for (size_t i = 0; i <= last - first; i++)
		row_of[i] = (int)i;
	return row_of;
}

static struct transfer_answer
fake_read(struct arena *a, const struct db_rows *rows, int row,
    const struct transfer_actor *who, const struct transfer_order *order)
{
	(void)a, (void)rows, (void)row, (void)order;
	return (struct transfer_answer){ .code = who->user_id };
}

/* ---------------------------------------------------------------- requests */

static void *
request_run(void *arg)
{
	struct request *r = arg;

	r->result = transfer_batch_commit_make(
	    NULL, r->arena, &r->who, &r->operation, &r->order, &r->answer);
	return NULL;
}

/* Sends a request with this key, which is also the name of its user. */
static void
send(const char *key)
{
	struct request *r = &requests[nrequests++];

	*r = (struct request){
		.arena = arena_new(),
		.operation.key = key,
		.who.user_id = key,
	};
	ck_assert_int_eq(pthread_create(&r->thread, NULL, request_run, r), 0);
}

static size_t
waiting(void)
{
	size_t length;

	pthread_mutex_lock(&queue.lock);
	length = queue.length;
	pthread_mutex_unlock(&queue.lock);
	return length;
}

/* Sends requests, and returns when they wait for a batch. */
static void
send_waiting(int count, const char *const *keys)
{
	for (int i = 0; i < count; i++) {
		size_t before = waiting();

		send(keys[i]);
		while (waiting() == before)
			sched_yield();
	}
}

static bool
is_gathering(void)
{
	bool yes;

	pthread_mutex_lock(&queue.lock);
	yes = queue.gatherer != NULL;
	pthread_mutex_unlock(&queue.lock);
	return yes;
}

static void
await_gathering(void)
{
	while (!is_gathering())
		sched_yield();
}

static void
await_batches(int count)
{
	while (made.begun < count)
		sched_yield();
	ck_assert_int_eq(made.begun, count);
}

static void
end_batch(void)
{
	sem_post(&made.may_end);
}

static void
check_answers(void)
{
	for (int i = 0; i < nrequests; i++) {
		pthread_join(requests[i].thread, NULL);
		ck_assert_int_eq(requests[i].result, ERR_OK);
		ck_assert_str_eq(
		    requests[i].answer.code, requests[i].operation.key);
		arena_free(requests[i].arena);
	}
	nrequests = 0;
}

static void
set_up(void)
{
	now_us = 1000000;
	made.begun = 0;
	made.takes_us = 500;
	sem_init(&made.may_end, 0, 0);
	queue.expected = 0;
	queue.gather_us = 0;
}

/* ------------------------------------------------------------------- tests */

START_TEST(lone_requests_do_not_wait)
{
	static const char *const keys[] = { "a", "b", "c" };

	for (int i = 0; i < 3; i++) {
		send(keys[i]);
		await_batches(i + 1);
		end_batch();
		check_answers();
		ck_assert_uint_eq(made.size[i], 1);
	}
}
END_TEST

/* A batch of three and one more request: the next leader waits for four. */
static void
begin_gathering(void)
{
	send("a");
	await_batches(1);
	send_waiting(3, (const char *const[]){ "b", "c", "d" });
	end_batch();
	await_batches(2);
	ck_assert_uint_eq(made.size[1], 3);
	send_waiting(1, (const char *const[]){ "e" });
	end_batch();
	await_gathering();
}

START_TEST(leader_waits_for_as_many_as_there_were)
{
	begin_gathering();
	send_waiting(2, (const char *const[]){ "f", "g" });
	ck_assert_int_eq(made.begun, 2);
	send("h");
	await_batches(3);
	ck_assert_uint_eq(made.size[2], 4);
	end_batch();
	check_answers();
}
END_TEST

START_TEST(leader_waits_no_longer_than_the_last_batch_took)
{
	begin_gathering();
	send_waiting(1, (const char *const[]){ "f" });
	now_us += made.takes_us - 1;
	ck_assert(is_gathering());
	ck_assert_int_eq(made.begun, 2);
	now_us += 1;
	await_batches(3);
	ck_assert_uint_eq(made.size[2], 2);
	end_batch();
	check_answers();
}
END_TEST

START_TEST(leader_waits_2_ms_at_most)
{
	made.takes_us = 15 * 1000;
	begin_gathering();
	now_us += 2 * 1000;
	await_batches(3);
	ck_assert_uint_eq(made.size[2], 1);
	end_batch();
	check_answers();
	/*
	 * After a batch with one request, the next leader does not wait for
	 * others.
	 */
	send("i");
	await_batches(4);
	end_batch();
	check_answers();
}
END_TEST

START_TEST(nobody_waits_for_a_late_batch)
{
	send("a");
	await_batches(1);
	send_waiting(2, (const char *const[]){ "b", "c" });
	now_us += late_us;
	await_batches(2);
	ck_assert_uint_eq(made.size[1], 2);
	end_batch();
	end_batch();
	check_answers();
}
END_TEST

START_TEST(one_key_is_in_a_batch_once)
{
	send("a");
	await_batches(1);
	send_waiting(3, (const char *const[]){ "b", "b", "c" });
	end_batch();
	await_batches(2);
	ck_assert_uint_eq(made.size[1], 2);
	end_batch();
	/*
	 * The second request with the same key was in the queue when the batch
	 * ended.
	 */
	await_gathering();
	now_us += made.takes_us;
	await_batches(3);
	ck_assert_uint_eq(made.size[2], 1);
	end_batch();
	check_answers();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("wallet_batch_commit");
	TCase *tc = tcase_create("batches");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, lone_requests_do_not_wait);
	tcase_add_test(tc, leader_waits_for_as_many_as_there_were);
	tcase_add_test(tc, leader_waits_no_longer_than_the_last_batch_took);
	tcase_add_test(tc, leader_waits_2_ms_at_most);
	tcase_add_test(tc, nobody_waits_for_a_late_batch);
	tcase_add_test(tc, one_key_is_in_a_batch_once);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

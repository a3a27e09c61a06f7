/*
 * Single-use rows, with a real PostgreSQL: a row of verification is consumed by
 * one request, however many send it at the same time.
 */
#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/identity/verification.h"
#include "auth_database.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "servers.h"

enum { TTL_S = 60, RACERS = 2, RACES = 50, PATIENCE_US = 10000000 };

static struct arena *a;
static struct db *db;

static void
setup(void)
{
	a = arena_new();
	sql("DELETE FROM verification");
	db = auth_database_open(RACERS);
}

static void
teardown(void)
{
	db_close(db);
	arena_free(a);
}

static void
create(const char *identifier, const char *value, int64_t ttl_s)
{
	ck_assert_int_eq(
	    verification_create(db, a, identifier, value, ttl_s), ERR_OK);
}

START_TEST(consume_gives_the_value_once)
{
	const char *value = NULL;

	create("reset-password:x", "user", TTL_S);
	create("reset-password:y", "other", TTL_S);
	ck_assert_int_eq(
	    verification_consume(db, a, "reset-password:x", &value), ERR_OK);
	ck_assert_str_eq(value, "user");
	ck_assert_int_eq(
	    verification_consume(db, a, "reset-password:x", &value),
	    ERR_NOT_FOUND);
	ck_assert_int_eq(
	    verification_consume(db, a, "reset-password:y", &value), ERR_OK);
	ck_assert_str_eq(value, "other");
}
END_TEST

START_TEST(consume_of_the_expired_finds_nothing_and_deletes_it)
{
	const char *value = "untouched";

	create("otp", "123456", TTL_S);
	sql("UPDATE verification SET \"expiresAt\" = now() - interval '1 ms'");
	ck_assert_int_eq(
	    verification_consume(db, a, "otp", &value), ERR_NOT_FOUND);
	ck_assert_str_eq(value, "untouched");
	ck_assert_str_eq(
	    sql_text(a, "SELECT count(*)::text FROM verification"), "0");
}
END_TEST

START_TEST(consume_takes_the_newest_and_the_older_with_it)
{
	const char *value;

	create("otp", "old", TTL_S);
	sql("UPDATE verification SET \"createdAt\" = now() - interval '9 s'");
	create("otp", "new", TTL_S);
	ck_assert_int_eq(verification_consume(db, a, "otp", &value), ERR_OK);
	ck_assert_str_eq(value, "new");
	ck_assert_int_eq(
	    verification_consume(db, a, "otp", &value), ERR_NOT_FOUND);
}
END_TEST

/*
 * The newest row has expired: an older row that is still valid must not be used
 * in its place.
 */
START_TEST(consume_does_not_fall_back_to_an_older_one)
{
	const char *value;

	create("otp", "old", TTL_S);
	sql("UPDATE verification SET \"createdAt\" = now() - interval '9 s'");
	create("otp", "new", -1);
	ck_assert_int_eq(
	    verification_consume(db, a, "otp", &value), ERR_NOT_FOUND);
}
END_TEST

struct racer {
	pthread_barrier_t *start;
	pthread_t thread;
	enum err outcome;
};

static void *
race(void *arg)
{
	struct racer *racer = arg;
	struct arena *own = arena_new();
	const char *value;

	pthread_barrier_wait(racer->start);
	racer->outcome = verification_consume(db, own, "link", &value);
	arena_free(own);
	return NULL;
}

START_TEST(two_racing_consumers_get_it_once)
{
	for (int n = 0; n < RACES; n++) {
		struct racer racers[RACERS];
		pthread_barrier_t start;
		int won = 0;

		/*
		 * There are two rows with the same identifier: nobody may
		 * consume the older one.
		 */
		create("link", "a", TTL_S);
		create("link", "b", TTL_S);
		pthread_barrier_init(&start, NULL, RACERS);
		for (int i = 0; i < RACERS; i++) {
			racers[i] = (struct racer){ .start = &start };
			ck_assert_int_eq(pthread_create(&racers[i].thread, NULL,
					     race, &racers[i]),
			    0);
		}
		for (int i = 0; i < RACERS; i++) {
			pthread_join(racers[i].thread, NULL);
			won += racers[i].outcome == ERR_OK;
			ck_assert(racers[i].outcome == ERR_OK ||
				  racers[i].outcome == ERR_NOT_FOUND);
		}
		pthread_barrier_destroy(&start);
		ck_assert_int_eq(won, 1);
	}
}
END_TEST

/*
 * Two transactions consume one row: the first has not committed when the second
 * starts.
 */
struct hold {
	struct racer second;
};

static enum err
consume_and_hold(struct db *tx, struct arena *arena, void *ctx)
{
	struct hold *hold = ctx;
	int64_t until = clock_monotonic_us() + PATIENCE_US;
	const char *value;
	enum err e = verification_consume(tx, arena, "link", &value);

	if (e != ERR_OK)
		return e;
	ck_assert_int_eq(
	    pthread_create(&hold->second.thread, NULL, race, &hold->second), 0);
	pthread_barrier_wait(hold->second.start);
	while (*sql_text(a, "SELECT count(*)::text FROM pg_locks"
			    " WHERE NOT granted") == '0' &&
	       clock_monotonic_us() < until)
		usleep(1000);
	return ERR_OK;
}

START_TEST(second_consumer_waits_for_the_first)
{
	pthread_barrier_t start;
	struct hold hold = { .second = { .start = &start } };

	create("link", "a", TTL_S);
	pthread_barrier_init(&start, NULL, 2);
	ck_assert_int_eq(db_transact(db, a, consume_and_hold, &hold), ERR_OK);
	pthread_join(hold.second.thread, NULL);
	pthread_barrier_destroy(&start);
	ck_assert_int_eq(hold.second.outcome, ERR_NOT_FOUND);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("auth_verification");
	TCase *tc = tcase_create("verification");

	signal(SIGPIPE, SIG_IGN); /* services ignore SIGPIPE */
	log_init("test", LOG_ERROR);
	auth_database_start();

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, consume_gives_the_value_once);
	tcase_add_test(tc, consume_of_the_expired_finds_nothing_and_deletes_it);
	tcase_add_test(tc, consume_takes_the_newest_and_the_older_with_it);
	tcase_add_test(tc, consume_does_not_fall_back_to_an_older_one);
	tcase_add_test(tc, two_racing_consumers_get_it_once);
	tcase_add_test(tc, second_consumer_waits_for_the_first);
	suite_add_tcase(suite, tc);

	return unit_run_here(suite, 120);
}

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "unit.h"

#include "base/log.h"
#include "base/metrics.h"
#include "cache/cache.h"
#include "cache/rate_limit.h"
#include "cache/rate_limit_table.h"
#include "servers.h"

enum { BURST = 5, HOUR_MS = 3600 * 1000 };

static const char *url;

static struct cache *
open_cache(void)
{
	return cache_open(&(struct cache_options){
	    .url = url,
	    .prefix = "t",
	    .connections = 2,
	    .timeout_ms = 1000,
	    .retry_ms = 100,
	});
}

/* Tries `times` steps; returns how many were allowed. */
static int
count_allowed(struct rate_limit *l, const char *key, int times)
{
	int allowed = 0;

	for (int i = 0; i < times; i++) {
		int64_t retry_ms = 0;

		if (rate_limit_take(l, key, BURST, HOUR_MS, &retry_ms) ==
		    ERR_OK)
			allowed++;
		else
			ck_assert_int_gt(retry_ms, HOUR_MS / BURST - 60000);
	}
	return allowed;
}

/* Runs once with Redis and once without it. */
START_TEST(refund_takes_back_one_step)
{
	struct cache *c = _i == 0 ? open_cache() : NULL;
	struct rate_limit *l = rate_limit_new(c);

	ck_assert_int_eq(count_allowed(l, "refund", BURST + 1), BURST);
	for (int i = 0; i < 3; i++) {
		rate_limit_refund(l, "refund", BURST, HOUR_MS);
		ck_assert_int_eq(count_allowed(l, "refund", 2), 1);
	}
	/* A refund never returns more steps than were charged. */
	for (int i = 0; i < 2 * BURST; i++)
		rate_limit_refund(l, "refund", BURST, HOUR_MS);
	rate_limit_refund(l, "unknown", BURST, HOUR_MS);
	ck_assert_int_eq(count_allowed(l, "refund", 2 * BURST), BURST);
	ck_assert_int_eq(count_allowed(l, "unknown", 2 * BURST), BURST);
	rate_limit_free(l);
	cache_close(c);
}
END_TEST

START_TEST(take_counts_for_all_processes_together)
{
	struct cache *c1 = open_cache(), *c2 = open_cache();
	struct rate_limit *l1 = rate_limit_new(c1), *l2 = rate_limit_new(c2);

	ck_assert_int_eq(count_allowed(l1, "shared", 3), 3);
	ck_assert_int_eq(count_allowed(l2, "shared", 10), BURST - 3);
	ck_assert_int_eq(count_allowed(l1, "other", 10), BURST);
	rate_limit_free(l1);
	rate_limit_free(l2);
	cache_close(c1);
	cache_close(c2);
}
END_TEST

START_TEST(take_without_redis_counts_in_this_process)
{
	struct cache *c = open_cache();
	struct rate_limit *l = rate_limit_new(c);

	ck_assert_int_eq(count_allowed(l, "k", 2), 2);
	servers_stop_redis();
	ck_assert_int_eq(count_allowed(l, "k", 10), BURST);
	ck_assert_int_eq(count_allowed(l, "m", 10), BURST);
	servers_start_redis();
	rate_limit_free(l);
	cache_close(c);
}
END_TEST

START_TEST(take_without_a_cache_counts_in_this_process)
{
	struct rate_limit *l = rate_limit_new(NULL);

	ck_assert_int_eq(count_allowed(l, "k", 10), BURST);
	rate_limit_free(l);
}
END_TEST

/*
 * Several steps are charged all or not at all, with Redis and with the local
 * table alike.
 */
static void
check_charges(struct rate_limit *l)
{
	int64_t retry_ms = 0;

	ck_assert_int_eq(
	    rate_limit_charge(l, "batch", 3, BURST, HOUR_MS, &retry_ms),
	    ERR_OK);
	ck_assert_int_eq(
	    rate_limit_charge(l, "batch", 3, BURST, HOUR_MS, &retry_ms),
	    ERR_RATE_LIMITED);
	/*
	 * Two of the three steps are available: the third one is, too, after a
	 * fifth of an hour.
	 */
	ck_assert_int_le(retry_ms, HOUR_MS / BURST);
	ck_assert_int_gt(retry_ms, HOUR_MS / BURST - 60000);
	ck_assert_int_eq(count_allowed(l, "batch", 5), 2);
	/*
	 * A charge of more steps than the burst is allowed only if no other
	 * step was charged.
	 */
	ck_assert_int_eq(
	    rate_limit_charge(l, "huge", 1000, BURST, HOUR_MS, &retry_ms),
	    ERR_OK);
	ck_assert_int_eq(count_allowed(l, "huge", 5), 0);
	ck_assert_int_eq(count_allowed(l, "one", 1), 1);
	ck_assert_int_eq(
	    rate_limit_charge(l, "one", 1000, BURST, HOUR_MS, &retry_ms),
	    ERR_RATE_LIMITED);
}

START_TEST(charge_is_all_or_none)
{
	struct cache *c = open_cache();
	struct rate_limit *l = rate_limit_new(c), *here = rate_limit_new(NULL);

	check_charges(l);
	check_charges(here);
	rate_limit_free(l);
	rate_limit_free(here);
	cache_close(c);
}
END_TEST

START_TEST(take_here_counts_in_this_process_only)
{
	struct cache *c = open_cache();
	struct rate_limit *l1 = rate_limit_new(c), *l2 = rate_limit_new(c);
	int64_t retry_ms = 0;

	for (int i = 0; i < BURST; i++) {
		ck_assert_int_eq(
		    rate_limit_take_here(l1, "read", BURST, HOUR_MS, &retry_ms),
		    ERR_OK);
		ck_assert_int_eq(
		    rate_limit_take_here(l2, "read", BURST, HOUR_MS, &retry_ms),
		    ERR_OK);
	}
	ck_assert_int_eq(
	    rate_limit_take_here(l1, "read", BURST, HOUR_MS, &retry_ms),
	    ERR_RATE_LIMITED);
	ck_assert_int_gt(retry_ms, 0);
	rate_limit_free(l1);
	rate_limit_free(l2);
	cache_close(c);
}
END_TEST

START_TEST(table_refills_evenly)
{
	struct rate_limit_table *t = rate_limit_table_new();
	int64_t retry_ms = 0, now_us = 1000000000;

	/* Four steps are allowed at once, then one every 250 ms. */
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(rate_limit_table_take(
				     t, "k", 1, 4, 1000, now_us, &retry_ms),
		    ERR_OK);
	ck_assert_int_eq(
	    rate_limit_table_take(t, "k", 1, 4, 1000, now_us, &retry_ms),
	    ERR_RATE_LIMITED);
	ck_assert_int_eq(retry_ms, 250);
	now_us += 249999;
	ck_assert_int_eq(
	    rate_limit_table_take(t, "k", 1, 4, 1000, now_us, &retry_ms),
	    ERR_RATE_LIMITED);
	ck_assert_int_eq(retry_ms, 1);
	now_us += 1;
	ck_assert_int_eq(
	    rate_limit_table_take(t, "k", 1, 4, 1000, now_us, &retry_ms),
	    ERR_OK);
	ck_assert_int_eq(
	    rate_limit_table_take(t, "k", 1, 4, 1000, now_us, &retry_ms),
	    ERR_RATE_LIMITED);
	now_us += 10000000;
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(rate_limit_table_take(
				     t, "k", 1, 4, 1000, now_us, &retry_ms),
		    ERR_OK);
	ck_assert_int_eq(
	    rate_limit_table_take(t, "k", 1, 4, 1000, now_us, &retry_ms),
	    ERR_RATE_LIMITED);
	rate_limit_table_free(t);
}
END_TEST

enum { TAKERS = 4, TAKES = 20000, ALLOWED = 1000 };

static atomic_int allowed;

static void *
take_many(void *table)
{
	int64_t retry_ms;

	for (int i = 0; i < TAKES; i++) {
		if (rate_limit_table_take(table, "k", 1, ALLOWED, HOUR_MS,
			1000000000, &retry_ms) == ERR_OK)
			atomic_fetch_add(&allowed, 1);
	}
	return NULL;
}

START_TEST(table_counts_each_of_many_threads)
{
	struct rate_limit_table *t = rate_limit_table_new();
	pthread_t threads[TAKERS];

	atomic_store(&allowed, 0);
	for (int i = 0; i < TAKERS; i++)
		pthread_create(&threads[i], NULL, take_many, t);
	for (int i = 0; i < TAKERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(atomic_load(&allowed), ALLOWED);
	rate_limit_table_free(t);
}
END_TEST

START_TEST(table_flooded_keeps_refusing_the_refused)
{
	struct rate_limit_table *t = rate_limit_table_new();
	int64_t retry_ms, now_us = 1000000000;
	char key[32];

	ck_assert_int_eq(
	    rate_limit_table_take(t, "bad", 1, 1, HOUR_MS, now_us, &retry_ms),
	    ERR_OK);
	for (int i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "flood %d", i);
		ck_assert_int_eq(rate_limit_table_take(
				     t, key, 1, 10, 1000, now_us, &retry_ms),
		    ERR_OK);
	}
	ck_assert_int_eq(
	    rate_limit_table_take(t, "bad", 1, 1, HOUR_MS, now_us, &retry_ms),
	    ERR_RATE_LIMITED);
	rate_limit_table_free(t);
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("rate_limit");
	TCase *t = tcase_create("take");

	tcase_add_test(t, take_counts_for_all_processes_together);
	tcase_add_loop_test(t, refund_takes_back_one_step, 0, 2);
	tcase_add_test(t, take_without_redis_counts_in_this_process);
	tcase_add_test(t, take_without_a_cache_counts_in_this_process);
	tcase_add_test(t, charge_is_all_or_none);
	tcase_add_test(t, take_here_counts_in_this_process_only);
	tcase_add_test(t, table_refills_evenly);
	tcase_add_test(t, table_counts_each_of_many_threads);
	tcase_add_test(t, table_flooded_keeps_refusing_the_refused);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{

	signal(SIGPIPE, SIG_IGN);
	log_init("test_rate_limit", LOG_ERROR);
	metrics_open(-1);
	url = servers_start_redis();
	return unit_run_here(make_suite(), 60);
}

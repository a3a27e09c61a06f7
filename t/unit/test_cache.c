#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/resolve.h"
#include "cache/breaker.h"
#include "cache/cache.h"
#include "cache/cache_url.h"
#include "proxy.h"
#include "servers.h"

enum { TIMEOUT_MS = 500, RETRY_MS = 250, TTL_MS = 60000 };

static const char *url;
static struct arena *a;
static struct cache *cache;
/* The least version of a value that the reader accepts. */
static int64_t least_version;

static struct cache *
open_cache(const char *at)
{
	return cache_open(&(struct cache_options){
	    .url = at,
	    .prefix = "t",
	    .connections = 3,
	    .timeout_ms = TIMEOUT_MS,
	    .retry_ms = RETRY_MS,
	});
}

static void
set_up(void)
{
	a = arena_new();
	ck_assert_str_eq(servers_redis_do("FLUSHALL"), "+OK");
	cache = open_cache(url);
	least_version = 1;
}

static void
tear_down(void)
{
	cache_close(cache);
	arena_free(a);
}

static int64_t
elapsed_ms(int64_t since_us)
{
	return (clock_monotonic_us() - since_us) / 1000;
}

static enum err
get_in(struct arena *arena, const char *key, const char **ret_value,
    struct cache_miss *ret_miss)
{
	struct cache_get get = {
		.arena = arena,
		.key = key,
		.least_version = least_version,
	};
	enum err e = cache_get(cache, &get, 1);

	*ret_miss = get.miss;
	if (e == ERR_OK)
		*ret_value = get.value;
	return e == ERR_OK && get.value == NULL ? ERR_NOT_FOUND : e;
}

static enum err
get(const char *key, const char **ret_value)
{
	struct cache_miss miss;

	return get_in(a, key, ret_value, &miss);
}

/*
 * Asserts that the key is not in the cache; returns the miss, with which it can
 * be filled.
 */
static struct cache_miss
miss_of(const char *key)
{
	struct cache_miss miss;
	const char *value;

	ck_assert_int_eq(get_in(a, key, &value, &miss), ERR_NOT_FOUND);
	return miss;
}

static void
assert_value(const char *key, const char *expected)
{
	const char *value;

	ck_assert_int_eq(get(key, &value), ERR_OK);
	ck_assert_str_eq(value, expected);
}

static void
fill_in(struct arena *arena, const struct cache_miss *miss, const char *key,
    const char *value)
{
	cache_fill(cache, arena, miss,
	    &(struct cache_entry){
		.key = key,
		.value = value,
		.version = least_version,
		.ttl_ms = TTL_MS,
	    });
}

static void
fill(const struct cache_miss *miss, const char *key, const char *value)
{
	fill_in(a, miss, key, value);
}

static void
fill_fresh(const char *key, const char *value)
{
	struct cache_miss miss = miss_of(key);

	ck_assert_str_ne(miss.history, "");
	fill(&miss, key, value);
}

/*
 * Returns the reply of Redis to a command on a key; adds the prefix that our
 * keys have.
 */
static const char *
ask_about(const char *command, const char *key)
{
	struct cache_miss miss = miss_of("none");

	return servers_redis_do(
	    arena_printf(a, "%s t:%s:%s", command, miss.history, key));
}

START_TEST(get_after_fill_finds_the_value)
{
	fill_fresh("k", "{\"a\":1}");
	assert_value("k", "{\"a\":1}");
	ck_assert_str_eq(ask_about("GET", "k"), "1 {\"a\":1}");
	ck_assert_int_gt(atoi(ask_about("PTTL", "k") + 1), TTL_MS - 5000);
}
END_TEST

START_TEST(fill_does_not_replace_a_value)
{
	struct cache_miss miss = miss_of("k");

	fill_fresh("k", "new");
	fill(&miss, "k", "old");
	assert_value("k", "new");
}
END_TEST

/*
 * A cached value whose version is too old for one reader may be new enough for
 * another reader.
 */
START_TEST(older_version_is_a_miss_that_may_be_filled)
{
	struct cache_miss miss;

	fill_fresh("k", "old");
	least_version = 2;
	miss = miss_of("k");
	ck_assert_str_ne(miss.history, "");
	least_version = 1;
	assert_value("k", "old");

	least_version = 3;
	fill(&miss, "k", "new");
	assert_value("k", "new");
	least_version = 2;
	assert_value("k", "new");
	/* A reader with an older version does not replace a newer value. */
	fill(&miss, "k", "old");
	assert_value("k", "new");
}
END_TEST

START_TEST(tombstone_covers_every_version)
{
	const char *const key = "k";
	struct cache_miss miss = miss_of(key);

	fill_fresh(key, "old");
	ck_assert_int_eq(cache_invalidate(cache, &key, 1), ERR_OK);
	for (least_version = 1; least_version < 4; least_version++) {
		ck_assert_str_eq(miss_of(key).history, "");
		fill(&miss, key, "late");
	}
	ck_assert_str_eq(miss_of(key).history, "");
}
END_TEST

static const char *const garbage[] = { "x", "1", "1x", " ", "-1",
	"99999999999999999999 x" };

START_TEST(garbage_is_a_miss)
{
	fill_fresh("k", "v");
	ck_assert_str_eq(ask_about(arena_printf(a,
				       "EVAL \"return redis.call('SET',"
				       " KEYS[1], '%s')\" 1",
				       garbage[_i]),
			     "k"),
	    "+OK");
	miss_of("k");
	ck_assert_str_ne(miss_of("k").history, "");
}
END_TEST

/* FLUSHALL has removed the tombstone while a cache fill was on its way. */
START_TEST(fill_after_a_flush_is_refused)
{
	const char *const key = "k";
	struct cache_miss miss = miss_of(key);

	ck_assert_int_eq(cache_invalidate(cache, &key, 1), ERR_OK);
	ck_assert_str_eq(servers_redis_do("FLUSHALL"), "+OK");
	fill(&miss, key, "old");
	miss_of(key);
	fill(&miss, key, "old");
	miss_of(key);
	fill_fresh(key, "new");
	assert_value(key, "new");
}
END_TEST

START_TEST(keys_may_hold_any_character)
{
	static const char *const keys[] = { "a b", "a\r\nDEL b", "%s %d %b",
		"\xff\xfe", "" };

	for (size_t i = 0; i < COUNT_OF(keys); i++)
		fill_fresh(keys[i], keys[i][0] == '\0' ? "empty" : keys[i]);
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		assert_value(keys[i], keys[i][0] == '\0' ? "empty" : keys[i]);
}
END_TEST

START_TEST(invalidate_leaves_tombstones)
{
	const char *const keys[] = { "a", "b", "c" };

	fill_fresh("a", "1");
	fill_fresh("b", "2");
	ck_assert_int_eq(cache_invalidate(cache, keys, 3), ERR_OK);
	for (int i = 0; i < 3; i++) {
		struct cache_miss miss = miss_of(keys[i]);

		ck_assert_str_eq(miss.history, "");
		fill(&miss, keys[i], "old");
		ck_assert_str_eq(miss_of(keys[i]).history, "");
		ck_assert_str_eq(ask_about("EXISTS", keys[i]), ":1");
		ck_assert_int_gt(atoi(ask_about("PTTL", keys[i]) + 1),
		    CACHE_TOMBSTONE_MS - 1000);
	}
	ck_assert_int_eq(cache_invalidate(cache, keys, 0), ERR_OK);
}
END_TEST

START_TEST(fill_after_invalidation_is_refused)
{
	const char *const key = "k";
	struct cache_miss miss = miss_of(key);

	ck_assert_int_eq(cache_invalidate(cache, &key, 1), ERR_OK);
	fill(&miss, key, "old");
	miss_of(key);
}
END_TEST

START_TEST(fill_too_late_is_refused)
{
	struct cache_miss miss = miss_of("k");

	miss.seen_at_ms -= CACHE_FILL_MS + 1;
	fill(&miss, "k", "old");
	miss_of("k");
}
END_TEST

START_TEST(fill_from_the_future_is_refused)
{
	struct cache_miss miss = miss_of("k");

	miss.seen_at_ms += CACHE_FILL_MS + 1000;
	fill(&miss, "k", "old");
	miss_of("k");
}
END_TEST

static void
wait_until_ready(void)
{
	int64_t start_us = clock_monotonic_us();

	while (!cache_ready(cache)) {
		ck_assert_int_lt(elapsed_ms(start_us), 5000);
		usleep(1000);
	}
}

/*
 * The fill was sent in time, but Redis was suspended and executes it after the
 * fill's time limit.
 */
START_TEST(fill_held_up_on_its_way_is_refused)
{
	struct cache_miss miss = miss_of("k");

	miss.seen_at_ms -= CACHE_FILL_MS - 150;
	kill(servers_redis_pid(), SIGSTOP);
	fill(&miss, "k", "old");
	while (clock_now_ms() - miss.seen_at_ms <= CACHE_FILL_MS)
		usleep(1000);
	kill(servers_redis_pid(), SIGCONT);
	wait_until_ready();
	miss_of("k");
}
END_TEST

START_TEST(fill_for_another_history_is_refused)
{
	struct cache_miss miss = miss_of("k");

	miss.history[0] = miss.history[0] == '0' ? '1' : '0';
	fill(&miss, "k", "old");
	miss_of("k");
}
END_TEST

START_TEST(restart_hides_what_an_earlier_run_stored)
{
	struct cache_miss miss = miss_of("other");

	fill_fresh("k", "old");
	ck_assert_str_eq(servers_redis_do("SAVE"), "+OK");
	servers_stop_redis();
	servers_start_redis();
	ck_assert_str_eq(servers_redis_do("DBSIZE"), ":2"); /* generation */

	/*
	 * The connection in the pool is broken; it is replaced without an
	 * error.
	 */
	ck_assert_str_ne(miss_of("k").history, miss.history);
	fill(&miss, "other", "old");
	miss_of("other");
	fill_fresh("k", "new");
	assert_value("k", "new");
}
END_TEST

START_TEST(invalidate_after_restart_needs_no_second_call)
{
	const char *const key = "k";

	fill_fresh(key, "old");
	servers_stop_redis();
	servers_start_redis();
	ck_assert_int_eq(cache_invalidate(cache, &key, 1), ERR_OK);
	ck_assert_str_eq(ask_about("EXISTS", key), ":1");
}
END_TEST

START_TEST(without_redis_calls_fail_at_once_and_recover)
{
	const char *const key = "k";
	const char *value;
	int64_t start_us;

	fill_fresh(key, "1");
	servers_stop_redis();
	start_us = clock_monotonic_us();
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(get(key, &value), ERR_UNAVAILABLE);
		ck_assert_int_eq(
		    cache_invalidate(cache, &key, 1), ERR_UNAVAILABLE);
		ck_assert(!cache_ready(cache));
	}
	ck_assert_int_lt(elapsed_ms(start_us), 3000);
	servers_start_redis();
	start_us = clock_monotonic_us();
	wait_until_ready();
	ck_assert_int_lt(elapsed_ms(start_us), RETRY_MS + 3000);
	miss_of(key);
}
END_TEST

START_TEST(redis_frozen_costs_one_timeout)
{
	const char *value;
	int64_t start_us;

	fill_fresh("k", "1");
	kill(servers_redis_pid(), SIGSTOP);
	start_us = clock_monotonic_us();
	ck_assert_int_eq(get("k", &value), ERR_UNAVAILABLE);
	ck_assert_int_ge(elapsed_ms(start_us), TIMEOUT_MS - 10);
	ck_assert_int_lt(elapsed_ms(start_us), TIMEOUT_MS + 2000);
	start_us = clock_monotonic_us();
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(get("k", &value), ERR_UNAVAILABLE);
	ck_assert_int_lt(elapsed_ms(start_us), 10 * TIMEOUT_MS);

	kill(servers_redis_pid(), SIGCONT);
	start_us = clock_monotonic_us();
	wait_until_ready();
	ck_assert_int_lt(elapsed_ms(start_us), RETRY_MS + 3000);
	assert_value("k", "1");
}
END_TEST

/* Redis answers every command, but so slowly that it counts as unavailable. */
START_TEST(redis_slow_counts_as_away_and_recovers)
{
	char pause[32];
	const char *value;
	int64_t begun_us;
	enum err e;

	snprintf(
	    pause, sizeof(pause), "CLIENT PAUSE %d ALL", TIMEOUT_MS / 2 + 50);
	for (int i = 0; !cache_is_away(cache); i++) {
		ck_assert_int_lt(i, 50);
		ck_assert_str_eq(servers_redis_do(pause), "+OK");
		e = get("k", &value);
		ck_assert(e == ERR_NOT_FOUND || e == ERR_UNAVAILABLE);
	}
	begun_us = clock_monotonic_us();
	while (get("k", &value) == ERR_UNAVAILABLE)
		ck_assert_int_lt(elapsed_ms(begun_us), 20000);
	ck_assert(!cache_is_away(cache));
}
END_TEST

START_TEST(redis_full_refuses_tombstones_and_still_serves)
{
	const char *const key = "k";
	struct cache_miss miss;

	fill_fresh(key, "1");
	miss = miss_of("other");
	ck_assert_str_eq(servers_redis_do("CONFIG SET maxmemory 1"), "+OK");
	ck_assert_int_eq(cache_invalidate(cache, &key, 1), ERR_UNAVAILABLE);
	assert_value(key, "1");
	fill(&miss, "other", "1");
	assert_value(key, "1");
	ck_assert_str_eq(servers_redis_do("CONFIG SET maxmemory 0"), "+OK");
	ck_assert_int_eq(cache_invalidate(cache, &key, 1), ERR_OK);
}
END_TEST

START_TEST(redis_as_replica_counts_as_away)
{
	const char *const key = "k";
	const char *value;

	miss_of(key);
	ck_assert_str_eq(servers_redis_do("REPLICAOF 127.0.0.1 1"), "+OK");
	ck_assert_int_eq(cache_invalidate(cache, &key, 1), ERR_UNAVAILABLE);
	ck_assert_int_eq(get(key, &value), ERR_UNAVAILABLE);
	ck_assert_str_eq(servers_redis_do("REPLICAOF NO ONE"), "+OK");
	wait_until_ready();
	ck_assert_int_eq(cache_invalidate(cache, &key, 1), ERR_OK);
}
END_TEST

/*
 * A replica without a reachable master keeps its data.  When it becomes a
 * master again, it may have missed any number of tombstones, so its data are
 * ignored.
 */
START_TEST(promoted_master_does_not_show_its_former_data)
{
	struct cache_miss before = miss_of("other");

	fill_fresh("k", "old");
	ck_assert_str_eq(servers_redis_do("REPLICAOF 127.0.0.1 1"), "+OK");
	ck_assert_str_eq(servers_redis_do("REPLICAOF NO ONE"), "+OK");
	ck_assert_str_eq(servers_redis_do("DBSIZE"), ":2");

	/*
	 * The connection in the pool still works, but values read through it
	 * must not be used.
	 */
	ck_assert_str_ne(miss_of("k").history, before.history);
	fill(&before, "other", "old");
	miss_of("other");
	fill_fresh("k", "new");
	assert_value("k", "new");
}
END_TEST

START_TEST(invalidate_when_master_again_is_of_the_new_history)
{
	const char *const key = "k";

	fill_fresh(key, "old");
	ck_assert_str_eq(servers_redis_do("REPLICAOF 127.0.0.1 1"), "+OK");
	ck_assert_str_eq(servers_redis_do("REPLICAOF NO ONE"), "+OK");
	ck_assert_int_eq(cache_invalidate(cache, &key, 1), ERR_OK);
	ck_assert_str_eq(ask_about("EXISTS", key), ":1");
}
END_TEST

START_TEST(replica_is_not_read)
{
	const char *value;

	fill_fresh("k", "old");
	ck_assert_str_eq(servers_redis_do("REPLICAOF 127.0.0.1 1"), "+OK");
	ck_assert_int_eq(get("k", &value), ERR_UNAVAILABLE);
	ck_assert(!cache_ready(cache));
	ck_assert_str_eq(servers_redis_do("REPLICAOF NO ONE"), "+OK");
	wait_until_ready();
}
END_TEST

START_TEST(open_logs_in_and_selects)
{
	struct cache *plain = cache, *in;
	const char *value;

	ck_assert_str_eq(
	    servers_redis_do("CONFIG SET requirepass p%40s"), "+OK");
	ck_assert_int_eq(get("k", &value), ERR_UNAVAILABLE);

	in = open_cache(arena_printf(a, "%s?password=p%%2540s&db=2", url));
	cache = in;
	fill_fresh("k", "1");
	assert_value("k", "1");
	servers_redis_do("AUTH p%40s\r\nCONFIG SET requirepass \"\"");
	ck_assert_str_eq(ask_about("EXISTS", "k"), ":0");
	ck_assert_str_eq(ask_about("SELECT 2\r\nEXISTS", "k"), "+OK");
	cache = plain;
	cache_close(in);
}
END_TEST

START_TEST(scripts_flushed_are_sent_again)
{
	int64_t retry_ms;

	miss_of("k");
	ck_assert_str_eq(servers_redis_do("SCRIPT FLUSH"), "+OK");
	fill_fresh("k", "1");
	assert_value("k", "1");
	ck_assert_int_eq(cache_rate(cache, "r", 1, 1, 1000, &retry_ms), ERR_OK);
}
END_TEST

static pthread_mutex_t name_server = PTHREAD_MUTEX_INITIALIZER;

static int
look_up_slowly(UNUSED const char *host, const char *port,
    const struct addrinfo *hints, struct addrinfo **ret_list)
{
	pthread_mutex_lock(&name_server);
	pthread_mutex_unlock(&name_server);
	return getaddrinfo("127.0.0.1", port, hints, ret_list);
}

/*
 * When the name server does not answer, a call takes no longer than the timeout
 * for Redis.
 */
START_TEST(name_is_looked_up_within_the_timeout)
{
	int port = proxy_start(servers_path("redis.sock"));
	struct cache *in =
	    open_cache(arena_printf(a, "redis://redis.example:%d", port));

	resolve_replace_lookup(look_up_slowly);
	pthread_mutex_lock(&name_server);
	ck_assert(!cache_ready(in));
	pthread_mutex_unlock(&name_server);
	while (!cache_ready(in))
		usleep(1000);
	cache_close(in);
	resolve_forget_all();
	resolve_replace_lookup(NULL);
	proxy_stop();
}
END_TEST

START_TEST(without_url_everything_is_unavailable)
{
	static const char *const urls[] = { NULL, "", "http://localhost",
		"unix:/no/such/socket" };
	struct cache *real = cache;
	const char *value;

	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		cache = open_cache(urls[i]);
		ck_assert_int_eq(get("k", &value), ERR_UNAVAILABLE);
		cache_close(cache);
	}
	cache = real;
}
END_TEST

START_TEST(rate_allows_the_burst_then_tells_the_wait)
{
	int64_t retry_ms = -1;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
		    cache_rate(cache, "r", 1, 3, 60000, &retry_ms), ERR_OK);
	ck_assert_int_eq(
	    cache_rate(cache, "r", 1, 3, 60000, &retry_ms), ERR_RATE_LIMITED);
	ck_assert_int_gt(retry_ms, 15000);
	ck_assert_int_le(retry_ms, 20000);
	ck_assert_int_eq(
	    cache_rate(cache, "s", 1, 3, 60000, &retry_ms), ERR_OK);
	ck_assert_int_gt(atoi(servers_redis_do("PTTL t:r") + 1), 55000);
	ck_assert_int_le(atoi(servers_redis_do("PTTL t:r") + 1), 60000);
}
END_TEST

START_TEST(rate_allows_again_after_the_wait)
{
	int64_t retry_ms, start_us = clock_monotonic_us();

	ck_assert_int_eq(cache_rate(cache, "r", 1, 1, 300, &retry_ms), ERR_OK);
	while (cache_rate(cache, "r", 1, 1, 300, &retry_ms) == ERR_RATE_LIMITED)
		usleep(1000);
	ck_assert_int_ge(elapsed_ms(start_us), 299);
	ck_assert_int_lt(elapsed_ms(start_us), 5000);
}
END_TEST

/*
 * Three kinds of keys: with a value, with a tombstone, and absent, so that the
 * miss can be filled.
 */
START_TEST(get_of_many_is_in_order)
{
	struct cache_get gets[CACHE_GETS_MAX];
	const char *marked = "k1";

	for (size_t i = 0; i < COUNT_OF(gets); i++) {
		const char *key = arena_printf(a, "k%zu", i);
		struct cache_miss miss = miss_of(key);

		gets[i] = (struct cache_get){ .arena = a, .key = key };
		if (i % 3 != 2)
			fill(&miss, key, key);
	}
	ck_assert_int_eq(cache_invalidate(cache, &marked, 1), ERR_OK);
	ck_assert_int_eq(cache_get(cache, gets, COUNT_OF(gets)), ERR_OK);
	for (size_t i = 0; i < COUNT_OF(gets); i++) {
		if (i == 1 || i % 3 == 2)
			ck_assert_ptr_null(gets[i].value);
		else
			ck_assert_str_eq(gets[i].value, gets[i].key);
		/* A key with a tombstone must not be filled. */
		ck_assert_int_eq(gets[i].miss.history[0] != '\0', i % 3 == 2);
	}
	ck_assert_int_eq(cache_get(cache, gets, 0), ERR_OK);
}
END_TEST

enum { THREADS = 8, ROUNDS = 300 };

static void *
use_cache(void *failures)
{
	struct arena *own = arena_new();

	for (int i = 0; i < ROUNDS; i++) {
		const char *key = arena_printf(own, "k%d", i % 7), *value;
		struct cache_miss miss;
		enum err e = get_in(own, key, &value, &miss);

		if (e == ERR_NOT_FOUND)
			fill_in(own, &miss, key, "v");
		else if (e != ERR_OK || strcmp(value, "v") != 0)
			++*(int *)failures;
		if (i % 50 == 0 && cache_invalidate(cache, &key, 1) != ERR_OK)
			++*(int *)failures;
		arena_reset(own);
	}
	arena_free(own);
	return NULL;
}

START_TEST(threads_share_few_connections)
{
	pthread_t threads[THREADS];
	int failures[THREADS] = { 0 };

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, use_cache, &failures[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(failures[i], 0);
}
END_TEST

START_TEST(breaker_lets_one_probe_through)
{
	struct breaker b = { .retry_ms = 100 };

	ck_assert(breaker_lets_through(&b, 0));
	ck_assert(breaker_lets_through(&b, 0));
	ck_assert(!breaker_succeeded(&b));
	ck_assert(breaker_failed(&b, 0));
	ck_assert(!breaker_failed(&b, 0));
	ck_assert(!breaker_lets_through(&b, 99999));
	ck_assert(breaker_lets_through(&b, 100000));
	ck_assert(!breaker_lets_through(&b, 100000));
	ck_assert(!breaker_failed(&b, 150000));
	ck_assert(!breaker_lets_through(&b, 249999));
	ck_assert(breaker_lets_through(&b, 250000));
	breaker_abandoned(&b);
	ck_assert(breaker_lets_through(&b, 250001));
	ck_assert(breaker_succeeded(&b));
	ck_assert(breaker_lets_through(&b, 250002));
}
END_TEST

START_TEST(breaker_opens_after_several_slow_answers_in_a_row)
{
	struct breaker b = { .retry_ms = 100 };

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < BREAKER_SLOW_MAX - 1; i++)
			ck_assert(!breaker_was_slow(&b, 0));
		ck_assert(!breaker_succeeded(&b));
	}
	for (int i = 0; i < BREAKER_SLOW_MAX - 1; i++)
		ck_assert(!breaker_was_slow(&b, 0));
	ck_assert(breaker_was_slow(&b, 0));
	ck_assert(!breaker_lets_through(&b, 99999));
	/*
	 * One caller is let through the open circuit breaker; it gets a slow
	 * answer, so the breaker stays open.
	 */
	ck_assert(breaker_lets_through(&b, 100000));
	ck_assert(!breaker_was_slow(&b, 150000));
	ck_assert(!breaker_lets_through(&b, 249999));
	ck_assert(breaker_lets_through(&b, 250000));
	ck_assert(breaker_succeeded(&b));
	ck_assert(!breaker_was_slow(&b, 250001));
}
END_TEST

static const struct {
	const char *text;
	const char *path, *host, *user, *password;
	int64_t port, db;
} good_urls[] = {
	{ "unix:run/redis.sock", .path = "run/redis.sock", .port = 6379 },
	{ "unix:/a%20b?db=3", .path = "/a b", .port = 6379, .db = 3 },
	{ "unix:/a?user=u&password=%3f%26", .path = "/a", .port = 6379,
	    .user = "u", .password = "?&" },
	{ "redis://h", .host = "h", .port = 6379 },
	{ "redis://h:1/", .host = "h", .port = 1 },
	{ "redis://:p@h:1/2", .host = "h", .port = 1, .password = "p",
	    .db = 2 },
	{ "redis://u:p%40%2F@h/15", .host = "h", .port = 6379, .user = "u",
	    .password = "p@/", .db = 15 },
	{ "redis://[::1]:7/1", .host = "::1", .port = 7, .db = 1 },
	{ "redis://[::1]", .host = "::1", .port = 6379 },
};

static void
assert_text(const char *got, const char *expected)
{
	ck_assert_int_eq(got == NULL, expected == NULL);
	if (got != NULL)
		ck_assert_str_eq(got, expected);
}

START_TEST(read_good_url)
{
	struct cache_url u;

	ck_assert(cache_url_init(&u, good_urls[_i].text));
	assert_text(u.path, good_urls[_i].path);
	assert_text(u.host, good_urls[_i].host);
	assert_text(u.user, good_urls[_i].user);
	assert_text(u.password, good_urls[_i].password);
	ck_assert_int_eq(u.port, good_urls[_i].port);
	ck_assert_int_eq(u.db, good_urls[_i].db);
	cache_url_release(&u);
}
END_TEST

static const char *const bad_urls[] = { "", "redis:", "redis://",
	"unix:", "http://h", "redis://h:0", "redis://h:65536", "redis://h:x",
	"redis://h/x", "redis://h/-1", "redis://u@h", "redis://[::1",
	"redis://[::1]x", "unix:/a?x=1", "unix:/a?db", "unix:/a?db=x",
	"unix:/a%0", "unix:/a%00", "unix:/a%zz", "redis://:%@h",
	"redis://:p@ss@h", "redis://:p/ss@h", "redis://:p?ss@h",
	"redis://:p#ss@h", "redis://u/s:p@h", "redis://h h", "redis://h?x" };

START_TEST(refuse_bad_url)
{
	struct cache_url u;

	ck_assert(!cache_url_init(&u, bad_urls[_i]));
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("cache");
	TCase *parts = tcase_create("parts");
	TCase *values = tcase_create("values");
	TCase *faults = tcase_create("faults");

	tcase_add_test(parts, breaker_lets_one_probe_through);
	tcase_add_test(
	    parts, breaker_opens_after_several_slow_answers_in_a_row);
	tcase_add_loop_test(parts, read_good_url, 0, (int)COUNT_OF(good_urls));
	tcase_add_loop_test(parts, refuse_bad_url, 0, (int)COUNT_OF(bad_urls));
	suite_add_tcase(s, parts);

	tcase_add_checked_fixture(values, set_up, tear_down);
	tcase_add_test(values, get_after_fill_finds_the_value);
	tcase_add_test(values, get_of_many_is_in_order);
	tcase_add_test(values, fill_does_not_replace_a_value);
	tcase_add_test(values, older_version_is_a_miss_that_may_be_filled);
	tcase_add_test(values, tombstone_covers_every_version);
	tcase_add_loop_test(
	    values, garbage_is_a_miss, 0, (int)COUNT_OF(garbage));
	tcase_add_test(values, fill_after_a_flush_is_refused);
	tcase_add_test(values, keys_may_hold_any_character);
	tcase_add_test(values, invalidate_leaves_tombstones);
	tcase_add_test(values, fill_after_invalidation_is_refused);
	tcase_add_test(values, fill_too_late_is_refused);
	tcase_add_test(values, fill_from_the_future_is_refused);
	tcase_add_test(values, fill_for_another_history_is_refused);
	tcase_add_test(values, open_logs_in_and_selects);
	tcase_add_test(values, scripts_flushed_are_sent_again);
	tcase_add_test(values, without_url_everything_is_unavailable);
	tcase_add_test(values, name_is_looked_up_within_the_timeout);
	tcase_add_test(values, rate_allows_the_burst_then_tells_the_wait);
	tcase_add_test(values, rate_allows_again_after_the_wait);
	tcase_add_test(values, threads_share_few_connections);
	suite_add_tcase(s, values);

	tcase_add_checked_fixture(faults, set_up, tear_down);
	tcase_add_test(faults, fill_held_up_on_its_way_is_refused);
	tcase_add_test(faults, restart_hides_what_an_earlier_run_stored);
	tcase_add_test(faults, invalidate_after_restart_needs_no_second_call);
	tcase_add_test(faults, without_redis_calls_fail_at_once_and_recover);
	tcase_add_test(faults, redis_slow_counts_as_away_and_recovers);
	tcase_add_test(faults, redis_frozen_costs_one_timeout);
	tcase_add_test(faults, redis_full_refuses_tombstones_and_still_serves);
	tcase_add_test(faults, redis_as_replica_counts_as_away);
	tcase_add_test(faults, replica_is_not_read);
	tcase_add_test(faults, promoted_master_does_not_show_its_former_data);
	tcase_add_test(
	    faults, invalidate_when_master_again_is_of_the_new_history);
	suite_add_tcase(s, faults);
	return s;
}

int
main(void)
{

	signal(SIGPIPE, SIG_IGN);
	log_init("test_cache", LOG_ERROR);
	metrics_open(-1);
	url = servers_start_redis();
	return unit_run_here(make_suite(), 120);
}

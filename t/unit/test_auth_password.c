#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture.h"

#include "auth/password/hash_pool.h"
#include "auth/password/hash_queue.h"
#include "auth/password/hash_slots.h"
#include "auth/password/password.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/metrics.h"

static struct arena *a;

static void
setup(void)
{
	a = arena_new();
}

static void
teardown(void)
{
	arena_free(a);
}

/* Test vectors from section 2 of the compatibility contract with BetterAuth. */
/* clang-format off */
static const struct {
	const char *password;
	const char *stored;
} vectors[] = {
	{ "correct horse battery staple",
	  "9fdcd79be510777794638b0f2cbd722f:"
	  "ef1aff7bdae9f78645a94e0aaf0e7a630cda5797cc891aa06aa70e4446fe4014"
	  "21f72912a0c5e12578d26d3091d023444a36d3163098c23f40b4d64467fe604c" },
	/*
	 * Contains a long s, a ligature, the Angstrom sign and a circled digit,
	 * all of which NFKC changes.
	 */
	{ "pa\xc5\xbf\xef\xac\x81 \xe2\x84\xab\xe2\x91\xa0",
	  "7f9fb515489f783ca425d80fc29dd658:"
	  "73ef29389660d24b35119e7225dbe5113c987da12bba5e95fc420afefe8774a5"
	  "ec2e94a758f0e6c6f2ae2cf128671ee60a0f0d40d70dfb41e7862e789c12cd6a" },
	{ "pasfi \xc3\x85" "1",
	  "7f9fb515489f783ca425d80fc29dd658:"
	  "73ef29389660d24b35119e7225dbe5113c987da12bba5e95fc420afefe8774a5"
	  "ec2e94a758f0e6c6f2ae2cf128671ee60a0f0d40d70dfb41e7862e789c12cd6a" },
};

#define KEY "00000000000000000000000000000000000000000000000000000000000000" \
	    "00000000000000000000000000000000000000000000000000000000000000"
static const char *const unreadable[] = {
	"", ":", "salt", "salt:", ":" KEY "aabb", "salt:" KEY,
	"salt:" KEY "aab", "salt:" KEY "aabbc", "salt:" KEY "aabg",
	"salt:" KEY "aa:b", "salt: " KEY "aab",
};

static const struct {
	const char *text;
	int repeats;
	bool too_short, too_long;
} lengths[] = {
	{ "", 0, true, false },
	{ "a", 7, true, false },
	{ "a", 8, false, false },
	{ "a", 128, false, false },
	{ "a", 129, false, true },
	{ "\xc3\xbc", 7, true, false }, /* one UTF-16 unit, two bytes of UTF-8 */
	{ "\xc3\xbc", 128, false, false },
	{ "\xf0\x9f\x98\x80", 3, true, false }, /* two UTF-16 units, four bytes of UTF-8 */
	{ "\xf0\x9f\x98\x80", 4, false, false },
	{ "\xf0\x9f\x98\x80", 64, false, false },
	{ "\xf0\x9f\x98\x80", 65, false, true },
};
/* clang-format on */

START_TEST(derive_equals_the_reference)
{
	struct password_hash hash;
	unsigned char key[PASSWORD_KEY_SIZE];

	ck_assert(password_hash_read(a, vectors[_i].stored, &hash));
	ck_assert(password_derive(vectors[_i].password, hash.salt, key));
	ck_assert_mem_eq(key, hash.key, sizeof(key));
	ck_assert_str_eq(
	    password_hash_write(a, hash.salt, key), vectors[_i].stored);
}
END_TEST

START_TEST(read_accepts_upper_case_hex)
{
	struct password_hash hash;

	ck_assert(password_hash_read(a, "s:" KEY "AAbF", &hash));
	ck_assert_str_eq(hash.salt, "s");
	ck_assert_uint_eq(hash.key[63], 0xbf);
}
END_TEST

START_TEST(read_refuses_invalid_hashes)
{
	struct password_hash hash;

	ck_assert_msg(!password_hash_read(a, unreadable[_i], &hash), "%s",
	    unreadable[_i]);
}
END_TEST

START_TEST(length_is_in_utf16_units)
{
	char text[1024] = "";

	for (int i = 0; i < lengths[_i].repeats; i++)
		strcat(text, lengths[_i].text);
	ck_assert(password_too_short(text) == lengths[_i].too_short);
	ck_assert(password_too_long(text) == lengths[_i].too_long);
}
END_TEST

START_TEST(salt_is_hex_and_new_each_time)
{
	char one[PASSWORD_SALT_SIZE], two[PASSWORD_SALT_SIZE];

	password_new_salt(one);
	password_new_salt(two);
	ck_assert_uint_eq(strlen(one), 32);
	ck_assert_uint_eq(strspn(one, "0123456789abcdef"), 32);
	ck_assert_str_ne(one, two);
}
END_TEST

static struct hash_slots *
shared_slots(void)
{
	struct hash_slots *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(s, MAP_FAILED);
	hash_slots_init(s);
	return s;
}

START_TEST(slots_of_a_killed_process_are_free)
{
	struct hash_slots *s = shared_slots();
	int ready[2];
	char byte;
	pid_t child;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		hash_slots_take(s, 2, 0);
		hash_slots_take(s, 2, 1);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);

	ck_assert_int_eq(hash_slots_take(s, 2, 1), 1);
	ck_assert_int_eq(hash_slots_take(s, 2, 1), 0);
	hash_slots_give(s, 0);
	ck_assert_int_eq(hash_slots_take(s, 2, 1), 0);
}
END_TEST

/*
 * The processes share the slots: there are never more slots in use than exist.
 */
START_TEST(slots_bound_all_processes_together)
{
	struct hash_slots *s = shared_slots();
	struct {
		atomic_int now, most;
	} *seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < 6; i++) {
		if (fork() != 0)
			continue;
		for (int n = 0; n < 50; n++) {
			int slot = hash_slots_take(s, 3, i);
			int now = atomic_fetch_add(&seen->now, 1) + 1;
			int most = atomic_load(&seen->most);

			while (now > most && !atomic_compare_exchange_weak(
						 &seen->most, &most, now))
				;
			usleep(200);
			atomic_fetch_sub(&seen->now, 1);
			hash_slots_give(s, slot);
		}
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	ck_assert_int_le(atomic_load(&seen->most), 3);
	ck_assert_int_ge(atomic_load(&seen->most), 2);
}
END_TEST

static const struct hash_client nobody;

struct caller {
	struct hash_pool *pool;
	struct hash_client client;
	pthread_t thread;
	enum err e;
	unsigned char key[PASSWORD_KEY_SIZE];
};

static atomic_int returned;

static void *
call(void *arg)
{
	struct caller *c = arg;

	c->e = hash_pool_derive(c->pool, &c->client,
	    "correct horse battery staple", "9fdcd79be510777794638b0f2cbd722f",
	    c->key);
	atomic_fetch_add(&returned, 1);
	return NULL;
}

START_TEST(pool_hashes_what_its_queue_holds_and_refuses_the_rest)
{
	enum { CALLERS = 8, WAITING_MAX = 3 };
	struct hash_pool *pool = hash_pool_new(&(struct hash_pool_options){
	    .slots = shared_slots(),
	    .concurrency = 1,
	    .waiting_max = WAITING_MAX,
	});
	struct caller callers[CALLERS] = { 0 };
	struct password_hash hash;
	int ok = 0;

	ck_assert(password_hash_read(a, vectors[0].stored, &hash));
	for (int i = 0; i < CALLERS; i++) {
		callers[i].pool = pool;
		pthread_create(&callers[i].thread, NULL, call, &callers[i]);
	}
	for (int i = 0; i < CALLERS; i++) {
		pthread_join(callers[i].thread, NULL);
		if (callers[i].e == ERR_OK) {
			ok++;
			ck_assert_mem_eq(
			    callers[i].key, hash.key, sizeof(hash.key));
		} else {
			ck_assert_int_eq(callers[i].e, ERR_RATE_LIMITED);
		}
	}
	ck_assert_int_ge(ok, WAITING_MAX);
	ck_assert_int_lt(ok, CALLERS);

	/* After all callers have ended, the next call gets the slot. */
	callers[0].pool = pool;
	call(&callers[0]);
	ck_assert_int_eq(callers[0].e, ERR_OK);
	hash_pool_free(pool);
}
END_TEST

static bool
has_left(const void *ctx)
{
	return atomic_load((const atomic_bool *)ctx);
}

static int
count_hashes(void)
{
	static const char line[] =
	    "\nkedge_password_hashes_total{service=\"t\",pool=\"api\"} ";
	const char *found;
	struct buf b;

	buf_init(&b, a, 1 << 20);
	metrics_print(&b, "t", "0");
	found = strstr(b.data, line);
	ck_assert_ptr_ne(found, NULL);
	return atoi(found + strlen(line));
}

START_TEST(pool_hashes_nothing_for_a_disconnected_client)
{
	enum { CALLERS = 8 };
	struct hash_pool *pool = hash_pool_new(&(struct hash_pool_options){
	    .slots = shared_slots(),
	    .concurrency = 1,
	    .waiting_max = CALLERS + 1,
	});
	static const atomic_bool here = false, gone = true;
	struct caller callers[CALLERS] = { 0 };
	static const unsigned char none[PASSWORD_KEY_SIZE];

	metrics_declare(&hash_pool_metrics);
	metrics_open(-1);
	metrics_use_slot("api", 0);

	for (int i = 0; i < CALLERS; i++) {
		callers[i].pool = pool;
		callers[i].client = (struct hash_client){
			.has_left = has_left,
			.ctx = i % 4 == 3 ? &here : &gone,
		};
		pthread_create(&callers[i].thread, NULL, call, &callers[i]);
	}
	for (int i = 0; i < CALLERS; i++) {
		bool stays = callers[i].client.ctx == &here;

		pthread_join(callers[i].thread, NULL);
		ck_assert_int_eq(callers[i].e, stays ? ERR_OK : ERR_ABANDONED);
		ck_assert_int_eq(
		    memcmp(callers[i].key, none, sizeof(none)) != 0, stays);
	}
	ck_assert_int_eq(count_hashes(), CALLERS / 4);
	hash_pool_free(pool);
}
END_TEST

static bool
log_and_leave(const void *ctx UNUSED)
{
	log_event(LOG_WARN, LOG_EVENT("in a thread of the pool"));
	return true;
}

START_TEST(pool_logs_for_the_request)
{
	struct hash_pool *pool = hash_pool_new(&(struct hash_pool_options){
	    .slots = shared_slots(),
	    .concurrency = 1,
	    .waiting_max = 1,
	});
	struct caller caller = { .pool = pool,
		.client = { .has_left = log_and_leave } };
	struct capture capture;
	char text[1024];

	log_init("t", LOG_WARN);
	log_set_request("request-of-the-hash", NULL);
	capture_begin(&capture);
	call(&caller);
	capture_end(&capture, text, sizeof(text));
	log_set_request(NULL, NULL);
	ck_assert_int_eq(caller.e, ERR_ABANDONED);
	ck_assert_ptr_nonnull(strstr(text, "in a thread of the pool"));
	ck_assert_ptr_nonnull(
	    strstr(text, "\"request_id\":\"request-of-the-hash\""));
	hash_pool_free(pool);
}
END_TEST

static atomic_bool held, begun;

static bool
wait_and_stay(const void *ctx)
{
	(void)ctx;
	atomic_store(&begun, true);
	while (atomic_load(&held))
		usleep(1000);
	return false;
}

START_TEST(pool_reports_that_it_is_full)
{
	enum { CALLERS = 2 };
	struct hash_pool *pool = hash_pool_new(&(struct hash_pool_options){
	    .slots = shared_slots(),
	    .concurrency = 1,
	    .waiting_max = CALLERS,
	});
	struct caller callers[CALLERS + 1] = { 0 };

	ck_assert(!hash_pool_turns_away(pool, &nobody));
	atomic_store(&held, true);
	for (int i = 0; i <= CALLERS; i++) {
		callers[i].pool = pool;
		callers[i].client.has_left = wait_and_stay;
	}
	for (int i = 0; i < CALLERS; i++)
		pthread_create(&callers[i].thread, NULL, call, &callers[i]);
	while (!hash_pool_turns_away(pool, &nobody))
		usleep(1000);
	call(&callers[CALLERS]);
	ck_assert_int_eq(callers[CALLERS].e, ERR_RATE_LIMITED);

	atomic_store(&held, false);
	for (int i = 0; i < CALLERS; i++) {
		pthread_join(callers[i].thread, NULL);
		ck_assert_int_eq(callers[i].e, ERR_OK);
	}
	ck_assert(!hash_pool_turns_away(pool, &nobody));
	hash_pool_free(pool);
}
END_TEST

/*
 * One network fills the queue.  Requests of other networks are still accepted,
 * each in place of a request of the first network, until every network has its
 * share; then they are refused.
 */
START_TEST(full_queue_replaces_an_entry_of_the_largest_network)
{
	enum { MANY = 6, FEW = 3, WAITING_MAX = MANY };
	struct hash_pool *pool = hash_pool_new(&(struct hash_pool_options){
	    .slots = shared_slots(),
	    .concurrency = 1,
	    .waiting_max = WAITING_MAX,
	});
	const struct hash_client few = { .network = "few" },
				 many = { .network = "many" };
	struct caller callers[MANY + FEW] = { 0 };
	int refused = 0;

	atomic_store(&held, true);
	atomic_store(&begun, false);
	atomic_store(&returned, 0);
	for (int i = 0; i < MANY + FEW; i++) {
		callers[i].pool = pool;
		callers[i].client.has_left = wait_and_stay;
		callers[i].client.network = i < MANY ? "many" : "few";
	}
	for (int i = 0; i < MANY; i++)
		pthread_create(&callers[i].thread, NULL, call, &callers[i]);
	/* While one password is being hashed, five requests wait. */
	while (!hash_pool_turns_away(pool, &many) || !atomic_load(&begun))
		usleep(1000);
	for (int i = MANY; i < MANY + FEW - 1; i++) {
		ck_assert(!hash_pool_turns_away(pool, &few));
		pthread_create(&callers[i].thread, NULL, call, &callers[i]);
		/*
		 * A request joins the full queue after another request was
		 * removed from it.
		 */
		while (atomic_load(&returned) != i - MANY + 1)
			usleep(1000);
	}
	ck_assert(hash_pool_turns_away(pool, &few));
	call(&callers[MANY + FEW - 1]);
	ck_assert_int_eq(callers[MANY + FEW - 1].e, ERR_RATE_LIMITED);

	atomic_store(&held, false);
	for (int i = 0; i < MANY + FEW - 1; i++) {
		pthread_join(callers[i].thread, NULL);
		if (i >= MANY)
			ck_assert_int_eq(callers[i].e, ERR_OK);
		else
			refused += callers[i].e == ERR_RATE_LIMITED;
	}
	ck_assert_int_eq(refused, FEW - 1);
	hash_pool_free(pool);
}
END_TEST

/*
 * The order in which requests of networks a, b, c... arrive, and the order in
 * which they are served.
 */
static const struct {
	const char *come, *served;
} orders[] = {
	{ "", "" },
	{ "a", "a" },
	{ "aaa", "aaa" },
	{ "aaab", "abaa" },
	{ "aaabbc", "abcaba" },
	{ "abcabc", "abcabc" },
	{ "ba", "ba" },
	/*
	 * At a dot, one request is served before the next one arrives.  A
	 * request that arrives late is not postponed for ever.
	 */
	{ "aaa.b", "aaba" },
	{ "aaa.b.c.d", "aabacd" },
	{ "aa.b.b.b.b", "aabbbb" },
};

START_TEST(networks_take_turns)
{
	struct hash_queue q = { 0 };
	struct hash_waiter *w;
	char served[32] = "";
	size_t n = 0;

	for (const char *p = orders[_i].come; *p != '\0'; p++) {
		if (*p == '.') {
			served[n++] = *hash_queue_pop(&q)->network;
			continue;
		}
		w = arena_alloc(a, sizeof(*w));
		w->network = arena_strndup(a, p, 1);
		hash_queue_push(&q, w);
	}
	while ((w = hash_queue_pop(&q)) != NULL)
		served[n++] = *w->network;
	ck_assert_str_eq(served, orders[_i].served);
}
END_TEST

START_TEST(largest_network_loses_an_entry)
{
	struct hash_queue q = { 0 };

	ck_assert(!hash_queue_gives_way(&q, "a"));
	for (const char *p = "aaaaab"; *p != '\0'; p++) {
		struct hash_waiter *w = arena_alloc(a, sizeof(*w));

		w->network = arena_strndup(a, p, 1);
		hash_queue_push(&q, w);
	}
	ck_assert(!hash_queue_gives_way(&q, "a"));
	for (int i = 0; i < 3; i++) {
		ck_assert(hash_queue_gives_way(&q, "b"));
		ck_assert(hash_queue_gives_way(&q, "c"));
		ck_assert_str_eq(hash_queue_drop_last(&q)->network, "a");
	}
	/* Now two requests of network a and one of network b are queued. */
	ck_assert(!hash_queue_gives_way(&q, "b"));
	ck_assert(hash_queue_gives_way(&q, "c"));
	ck_assert_str_eq(hash_queue_drop_last(&q)->network, "a");
	ck_assert(!hash_queue_gives_way(&q, "c"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("auth_password");
	TCase *tc = tcase_create("password");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, derive_equals_the_reference, 0, COUNT_OF(vectors));
	tcase_add_test(tc, read_accepts_upper_case_hex);
	tcase_add_loop_test(
	    tc, read_refuses_invalid_hashes, 0, COUNT_OF(unreadable));
	tcase_add_loop_test(tc, length_is_in_utf16_units, 0, COUNT_OF(lengths));
	tcase_add_test(tc, salt_is_hex_and_new_each_time);
	tcase_add_test(tc, slots_of_a_killed_process_are_free);
	tcase_add_test(tc, slots_bound_all_processes_together);
	tcase_add_test(
	    tc, pool_hashes_what_its_queue_holds_and_refuses_the_rest);
	tcase_add_test(tc, pool_reports_that_it_is_full);
	tcase_add_test(tc, full_queue_replaces_an_entry_of_the_largest_network);
	tcase_add_loop_test(tc, networks_take_turns, 0, COUNT_OF(orders));
	tcase_add_test(tc, largest_network_loses_an_entry);
	tcase_add_test(tc, pool_hashes_nothing_for_a_disconnected_client);
	tcase_add_test(tc, pool_logs_for_the_request);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

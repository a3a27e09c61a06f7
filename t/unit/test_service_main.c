#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "app/service_hooks.h"
#include "app/service_main.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "web/request.h"

struct shop_config {
	struct service_config shared;
	int64_t shelves;
};

static struct shop_config config;
static bool check_result;

static bool
check(const void *c)
{
	ck_assert_ptr_eq(c, &config);
	return check_result;
}

static const struct config_var vars[] = {
	{ CONFIG(struct shop_config, shelves, "SHELVES"), .fallback = "3",
	    .min = 1, .max = 9, .doc = "How many." },
	{ CONFIG(struct shop_config, shared.threads, "THREADS"),
	    .fallback = "48", .min = 1, .max = 64, .doc = "More than others." },
	{ 0 },
};
static const struct service service = { .name = "shop", .prefix = "/api/shop" };
static const struct service_program base = {
	.name = "shop",
	.flags = SERVICE_BASE,
	.service = &service,
	.config = &config,
	.vars = vars,
	.check = check,
};
static const struct service_program other = {
	.name = "shop",
	.service = &service,
	.config = &config,
};

/* 32 bytes in base64url */
static const char good_key[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

static void
set_up(void)
{
	check_result = true;
	setenv("SHOP_DATABASE_URL", "host=/nonexistent", 1);
	setenv("SHOP_IDENTITY_KEY", good_key, 1);
}

START_TEST(configure_fills_in_defaults)
{
	ck_assert(service_configure(&base));
	ck_assert_str_eq(config.shared.listen, "unix:shop.sock");
	ck_assert_int_eq(config.shared.processes, 2);
	ck_assert_int_eq(config.shared.threads, 48); /* its own row */
	ck_assert_int_eq(config.shared.drain_timeout_ms, 10000);
	ck_assert_str_eq(config.shared.auth_url, "http://auth.internal");
	ck_assert_str_eq(config.shared.auth_prefix, "/api/auth/");
	ck_assert_int_eq(config.shared.write_rate, 120);
	ck_assert_str_eq(config.shared.prefix, "/api/shop");
	ck_assert_int_eq(config.shelves, 3);
}
END_TEST

START_TEST(configure_reads_the_environment)
{
	setenv("SHOP_LISTEN", "127.0.0.1:9000", 1);
	setenv("SHOP_SHELVES", "9", 1);
	setenv("SHOP_WRITE_RATE", "0", 1);
	setenv("SHOP_PREFIX", "/a-1/b_2/", 1);
	ck_assert(service_configure(&base));
	ck_assert_str_eq(config.shared.listen, "127.0.0.1:9000");
	ck_assert_int_eq(config.shelves, 9);
	ck_assert_int_eq(config.shared.write_rate, 0);
	ck_assert_str_eq(config.shared.prefix, "/a-1/b_2");
}
END_TEST

static const struct {
	const char *name, *value;
} bad[] = {
	{ "SHOP_DATABASE_URL", NULL },
	{ "SHOP_DATABASE_URL", "" },
	{ "SHOP_IDENTITY_KEY", NULL },
	{ "SHOP_IDENTITY_KEY", "too short" },
	{ "SHOP_IDENTITY_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh" },
	{ "SHOP_LOG_LEVEL", "loud" },
	{ "SHOP_LOG_LEVEL", "" },
	{ "SHOP_THREADS", "65" },
	{ "SHOP_SHELVES", "ten" },
	{ "SHOP_LISTEN", "" },
	{ "SHOP_WRITE_RATE", "-1" },
	{ "SHOP_AUTH_PREFIX", "/api/auth" },
	{ "SHOP_PREFIX", "" },
	{ "SHOP_PREFIX", "/" },
	{ "SHOP_PREFIX", "//" },
	{ "SHOP_PREFIX", "/shop" },
	{ "SHOP_PREFIX", "shop/" },
	{ "SHOP_PREFIX", "/api//shop/" },
	{ "SHOP_PREFIX", "/api/../shop/" },
	{ "SHOP_PREFIX", "/Shop/" },
};

START_TEST(configure_of_bad_variable_fails)
{
	if (bad[_i].value == NULL)
		unsetenv(bad[_i].name);
	else
		setenv(bad[_i].name, bad[_i].value, 1);
	ck_assert(!service_configure(&base));
}
END_TEST

START_TEST(configure_asks_the_program_too)
{
	check_result = false;
	ck_assert(!service_configure(&base));
}
END_TEST

START_TEST(configure_of_auth_needs_no_identity_key)
{
	unsetenv("SHOP_IDENTITY_KEY");
	ck_assert(service_configure(&other));
	ck_assert_int_eq(config.shared.threads, 16);
	ck_assert_str_eq(config.shared.prefix, "/api/shop");
}
END_TEST

static int
run_main(const char *first, const char *second)
{
	const char *argv[] = { "shop", first, second, NULL };

	return service_main(&base, second != NULL ? 3 : 2, (char **)argv);
}

START_TEST(main_check_is_the_exit_status)
{
	ck_assert_int_eq(run_main("--check", NULL), 0);
	setenv("SHOP_SHELVES", "0", 1);
	ck_assert_int_eq(run_main("--check", NULL), 1);
}
END_TEST

START_TEST(main_refuses_more_processes_than_it_can_count)
{
	setenv("SHOP_PROCESSES", "64", 1);
	ck_assert_int_eq(run_main("--check", NULL), 0);
	setenv("SHOP_PROCESSES", "65", 1);
	ck_assert_int_eq(run_main("--check", NULL), 1);
}
END_TEST

START_TEST(main_with_unknown_arguments_is_usage)
{
	ck_assert_int_eq(run_main("--bogus", NULL), 2);
	ck_assert_int_eq(run_main("--check", "--check"), 2);
}
END_TEST

/* -------------------------------------------------------------- the hooks */

static enum err
send(struct service_process *process, const char *method, const char *user_id,
    int64_t *ret_retry_s)
{
	struct identity who = { .user_id = user_id, .session_id = "s" };
	struct req r = { .arena = arena_new(),
		.app = process,
		.method = method,
		.identity = user_id != NULL ? &who : NULL };
	enum err e = service_limit_requests(&r);

	*ret_retry_s = r.retry_after_s;
	arena_free(r.arena);
	return e;
}

START_TEST(limit_writes_by_user_and_lets_reads_pass)
{
	static const char *const unsafe[] = { "POST", "PUT", "PATCH",
		"DELETE" };
	struct service_process process;
	int64_t retry_s;

	setenv("SHOP_WRITE_RATE", "8", 1);
	ck_assert(service_configure(&base));
	ck_assert(service_process_init(&process, &base));
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(
		    send(&process, unsafe[i % 4], "alice", &retry_s), ERR_OK);
	for (size_t i = 0; i < COUNT_OF(unsafe); i++) {
		ck_assert_int_eq(send(&process, unsafe[i], "alice", &retry_s),
		    ERR_RATE_LIMITED);
		ck_assert_int_ge(retry_s, 1);
	}
	ck_assert_int_eq(send(&process, "GET", "alice", &retry_s), ERR_OK);
	ck_assert_int_eq(send(&process, "HEAD", "alice", &retry_s), ERR_OK);
	ck_assert_int_eq(send(&process, "POST", "bob", &retry_s), ERR_OK);
	ck_assert_int_eq(send(&process, "POST", NULL, &retry_s), ERR_OK);
	service_process_release(&process);
}
END_TEST

START_TEST(limit_reads_by_user_and_process)
{
	struct service_process process;
	int64_t retry_s;

	setenv("SHOP_READ_RATE", "5", 1);
	setenv("SHOP_WRITE_RATE", "1", 1);
	ck_assert(service_configure(&base));
	ck_assert(service_process_init(&process, &base));
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(
		    send(&process, i % 2 ? "HEAD" : "GET", "alice", &retry_s),
		    ERR_OK);
	ck_assert_int_eq(
	    send(&process, "GET", "alice", &retry_s), ERR_RATE_LIMITED);
	ck_assert_int_ge(retry_s, 1);
	ck_assert_int_eq(
	    send(&process, "HEAD", "alice", &retry_s), ERR_RATE_LIMITED);
	ck_assert_int_eq(send(&process, "GET", "bob", &retry_s), ERR_OK);
	ck_assert_int_eq(send(&process, "POST", "alice", &retry_s), ERR_OK);
	service_process_release(&process);
}
END_TEST

/* ------------------------------------------------------------ the streams */

static enum err
stream_for(struct service_process *process, struct arena *a,
    const char *user_id, const char **ret_code)
{
	struct identity who = { .user_id = user_id, .session_id = "s" };
	struct req r = {
		.arena = a, .app = process, .method = "GET", .identity = &who
	};
	enum err e = service_stream(&r, "text/csv", &(struct stream){ 0 });

	*ret_code = r.error_code;
	ck_assert(e == ERR_OK || r.retry_after_s > 0);
	return e;
}

START_TEST(streams_are_limited_in_all_and_for_one_user)
{
	struct service_process process;
	struct arena *a[4];
	const char *code;

	for (int i = 0; i < 4; i++)
		a[i] = arena_new();
	setenv("SHOP_STREAMS", "3", 1);
	setenv("SHOP_STREAMS_PER_USER", "2", 1);
	ck_assert(service_configure(&base));
	ck_assert(service_process_init(&process, &base));
	ck_assert_int_eq(stream_for(&process, a[0], "alice", &code), ERR_OK);
	ck_assert_int_eq(stream_for(&process, a[1], "alice", &code), ERR_OK);
	ck_assert_int_eq(
	    stream_for(&process, a[2], "alice", &code), ERR_RATE_LIMITED);
	ck_assert_str_eq(code, "TOO_MANY_STREAMS");
	ck_assert_int_eq(stream_for(&process, a[2], "bob", &code), ERR_OK);
	ck_assert_int_eq(
	    stream_for(&process, a[3], "carol", &code), ERR_RATE_LIMITED);

	/* A stream counts for the limit until its request ends. */
	arena_reset(a[0]);
	ck_assert_int_eq(stream_for(&process, a[3], "carol", &code), ERR_OK);
	for (int i = 0; i < 4; i++)
		arena_free(a[i]);
	service_process_release(&process);
}
END_TEST

START_TEST(streams_never_have_all_threads)
{
	struct service_process process;
	struct arena *a = arena_new();
	const char *code;

	setenv("SHOP_THREADS", "4", 1);
	setenv("SHOP_STREAMS", "100", 1);
	ck_assert(service_configure(&base));
	ck_assert(service_process_init(&process, &base));
	ck_assert_int_eq(stream_for(&process, a, "alice", &code), ERR_OK);
	ck_assert_int_eq(stream_for(&process, a, "bob", &code), ERR_OK);
	ck_assert_int_eq(
	    stream_for(&process, a, "carol", &code), ERR_RATE_LIMITED);
	arena_free(a);
	service_process_release(&process);
}
END_TEST

START_TEST(limit_of_zero_writes_is_no_limit)
{
	struct service_process process;
	int64_t retry_s;

	setenv("SHOP_WRITE_RATE", "0", 1);
	ck_assert(service_configure(&base));
	ck_assert(service_process_init(&process, &base));
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(
		    send(&process, "POST", "alice", &retry_s), ERR_OK);
	service_process_release(&process);
}
END_TEST

START_TEST(ready_without_a_database_is_not)
{
	struct service_process process;
	struct arena *a = arena_new();
	struct buf members;

	ck_assert(service_configure(&base));
	ck_assert(service_process_init(&process, &base));
	buf_init(&members, a, 1024);
	ck_assert(!service_ready(&process, &members));
	ck_assert_str_eq(members.data, "\"database\":\"away\"");
	service_process_release(&process);
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("service_main");
	TCase *tc = tcase_create("service_main");

	/*
	 * check forks for each test, so each test has its own environment
	 * variables.
	 */
	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, configure_fills_in_defaults);
	tcase_add_test(tc, configure_reads_the_environment);
	tcase_add_loop_test(
	    tc, configure_of_bad_variable_fails, 0, (int)COUNT_OF(bad));
	tcase_add_test(tc, configure_asks_the_program_too);
	tcase_add_test(tc, configure_of_auth_needs_no_identity_key);
	tcase_add_test(tc, main_check_is_the_exit_status);
	tcase_add_test(tc, main_refuses_more_processes_than_it_can_count);
	tcase_add_test(tc, main_with_unknown_arguments_is_usage);
	tcase_add_test(tc, limit_writes_by_user_and_lets_reads_pass);
	tcase_add_test(tc, limit_reads_by_user_and_process);
	tcase_add_test(tc, streams_are_limited_in_all_and_for_one_user);
	tcase_add_test(tc, streams_never_have_all_threads);
	tcase_add_test(tc, limit_of_zero_writes_is_no_limit);
	tcase_add_test(tc, ready_without_a_database_is_not);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

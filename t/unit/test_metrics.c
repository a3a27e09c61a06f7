#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/metrics.h"
#include "unit.h"

static int me, odd;

static struct arena *a;
static int fd = -1;

static void
setup_arena(void)
{
	a = arena_new();
}

static void
teardown_arena(void)
{
	arena_free(a);
}

static void
setup(void)
{
	setup_arena();
	fd = metrics_open(-1);
	metrics_use_slot("api", 0);
	me = metrics_route("GET /me");
	odd = metrics_route("GET /a\"b\\c\nd");
}

static void
teardown(void)
{
	teardown_arena();
	close(fd);
}

static const char *
print(void)
{
	struct buf b;

	buf_init(&b, a, 1 << 20);
	metrics_print(&b, "core", "9.9");
	ck_assert(!buf_failed(&b));
	return b.data;
}

/* Returns the number after `series`, which must occur exactly once. */
static double
value(const char *text, const char *series)
{
	const char *at = strstr(text, series);

	ck_assert_msg(at != NULL, "%s is not in:\n%s", series, text);
	ck_assert(at == text || at[-1] == '\n');
	at += strlen(series);
	ck_assert_int_eq(*at, ' ');
	return strtod(at, NULL);
}

START_TEST(print_before_open_is_empty)
{
	struct buf b;

	buf_init(&b, a, 1000);
	metrics_add(METRIC_CACHE_HITS, 1);
	metrics_request(me, 200, 1);
	metrics_print(&b, "core", "9.9");
	ck_assert_uint_eq(b.len, 0);
}
END_TEST

START_TEST(add_in_two_slots_is_summed)
{
	metrics_add(METRIC_CACHE_HITS, 2);
	metrics_use_slot("api", 77);
	metrics_add(METRIC_CACHE_HITS, 40);
	ck_assert_double_eq(
	    value(print(),
		"kedge_cache_hits_total{service=\"core\",pool=\"api\"}"),
	    42);
}
END_TEST

/* A service declares its own metrics, numbered after those of the library. */
enum { SALES = METRIC__MAX, REFUNDS };
enum { SHELVES_FULL = GAUGE__MAX, SHELVES_EMPTY };
enum { SALE_TIME = HISTOGRAM__MAX };

/* clang-format off */
static const struct metrics_name shop_counters[] = {
	{ "shop_sales_total", .help = "Sales." },
	{ "shop_refunds_total", .help = "Refunds." },
	{ 0 },
};
static const struct metrics_name shop_gauges[] = {
	{ "shop_shelves", "state=\"full\"", "Shelves." },
	{ "shop_shelves", "state=\"empty\"", NULL },
	{ 0 },
};
static const struct metrics_name shop_histograms[] = {
	{ "shop_sale_seconds", .help = "How long a sale takes." },
	{ 0 },
};
/* clang-format on */
static const struct metrics_own shop = { shop_counters, shop_gauges,
	shop_histograms };

START_TEST(own_metrics_are_printed_after_the_librarys)
{
	const char *text;

	ck_assert_ptr_null(strstr(print(), "shop_"));
	metrics_declare(&shop);
	metrics_begin_process("api");
	metrics_add(METRIC_CACHE_HITS, 1);
	metrics_add(SALES, 3);
	metrics_add(REFUNDS, 1);
	metrics_gauge_set(SHELVES_EMPTY, 7);
	metrics_observe(SALE_TIME, 2000);
	text = print();
#define OF_API "{service=\"core\",pool=\"api\""
	ck_assert_double_eq(
	    value(text, "kedge_cache_hits_total" OF_API "}"), 1);
	ck_assert_double_eq(value(text, "shop_sales_total" OF_API "}"), 3);
	ck_assert_double_eq(value(text, "shop_refunds_total" OF_API "}"), 1);
	ck_assert_double_eq(
	    value(text, "shop_shelves" OF_API ",state=\"full\"}"), 0);
	ck_assert_double_eq(
	    value(text, "shop_shelves" OF_API ",state=\"empty\"}"), 7);
	ck_assert_double_eq(
	    value(text, "shop_sale_seconds_count" OF_API "}"), 1);
	ck_assert_ptr_nonnull(
	    strstr(text, "# TYPE shop_sales_total counter\n"));
	ck_assert_ptr_nonnull(strstr(text, "# HELP shop_shelves Shelves.\n"));
}
END_TEST

/*
 * When the new release has other metrics, the values start at 0: a number that
 * was kept could belong to another metric.
 */
START_TEST(open_of_a_release_with_other_metrics_begins_anew)
{
	metrics_add(METRIC_CACHE_HITS, 5);
	fd = metrics_open(fd);
	ck_assert_double_eq(
	    value(print(), "kedge_cache_hits_total" OF_API "}"), 5);
	metrics_declare(&shop);
	fd = metrics_open(fd);
	metrics_use_slot("api", 0);
	ck_assert_double_eq(
	    value(print(), "kedge_cache_hits_total" OF_API "}"), 0);
}
END_TEST

START_TEST(add_in_child_is_seen_by_parent)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		metrics_use_slot("api", 5);
		metrics_add(METRIC_DB_QUERIES, 3);
		metrics_request(me, 200, 100);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_double_eq(
	    value(print(),
		"kedge_db_queries_total{service=\"core\",pool=\"api\"}"),
	    3);
}
END_TEST

START_TEST(request_falls_in_cumulative_buckets)
{
	const char *text;

	/* Equal to the bucket's bound: `le` means <=. */
	metrics_request(me, 200, 500);
	metrics_request(me, 200, 501);
	metrics_request(me, 404, 30 * 1000);
	metrics_request(me, 200, 29 * 1000 * 1000);
	metrics_request(me, 200, 61 * 1000 * 1000);
	text = print();
#define BUCKET(le)                                                          \
	"kedge_http_request_duration_seconds_bucket{service=\"core\",pool=" \
	"\"api\","                                                          \
	"route=\"GET /me\",le=\"" le "\"}"
	ck_assert_double_eq(value(text, BUCKET("0.0005")), 1);
	ck_assert_double_eq(value(text, BUCKET("0.001")), 2);
	ck_assert_double_eq(value(text, BUCKET("0.025")), 2);
	ck_assert_double_eq(value(text, BUCKET("0.05")), 3);
	ck_assert_double_eq(value(text, BUCKET("10")), 3);
	ck_assert_double_eq(value(text, BUCKET("30")), 4);
	ck_assert_double_eq(value(text, BUCKET("60")), 4);
	ck_assert_double_eq(value(text, BUCKET("+Inf")), 5);
	ck_assert_double_eq_tol(
	    value(text, "kedge_http_request_duration_seconds_sum{service="
			"\"core\",pool=\"api\","
			"route=\"GET /me\"}"),
	    90.031001, 1e-9);
	ck_assert_double_eq(value(text, "kedge_http_request_duration_seconds_"
					"count{service=\"core\",pool=\"api\","
					"route=\"GET /me\"}"),
	    5);
}
END_TEST

START_TEST(request_is_counted_by_status)
{
	const char *text;

	metrics_request(me, 200, 1);
	metrics_request(me, 200, 1);
	metrics_request(me, 503, 1);
	metrics_request(me, 299, 1);
	text = print();
#define STATUS(s)                                                              \
	"kedge_http_requests_total{service=\"core\",pool=\"api\",route=\"GET " \
	"/me\","                                                               \
	"status=\"" s "\"}"
	ck_assert_double_eq(value(text, STATUS("200")), 2);
	ck_assert_double_eq(value(text, STATUS("503")), 1);
	ck_assert_double_eq(value(text, STATUS("other")), 1);
	ck_assert_ptr_null(strstr(text, STATUS("404")));
}
END_TEST

START_TEST(request_of_no_route_is_other)
{
	const char *text;

	metrics_request(-1, 404, 1);
	metrics_request(METRICS_ROUTES_MAX, 404, 1);
	text = print();
	ck_assert_double_eq(
	    value(text,
		"kedge_http_requests_total{service=\"core\",pool=\"api\","
		"route=\"other\",status=\"404\"}"),
	    2);
}
END_TEST

START_TEST(print_escapes_labels)
{
	metrics_request(odd, 200, 1);
	ck_assert_double_eq(
	    value(print(),
		"kedge_http_requests_total{service=\"core\",pool=\"api\","
		"route=\"GET /a\\\"b\\\\c\\nd\",status=\"200\"}"),
	    1);
}
END_TEST

/*
 * Each line is a comment or NAME{LABELS} NUMBER, and each metric family has a
 * TYPE line.
 */
START_TEST(print_is_prometheus_text)
{
	char *text, *line, *rest = NULL;
	const char *family = "";

	metrics_request(me, 200, 1);
	metrics_set_pool("api", (struct metrics_pool){ .alive = 7 });
	metrics_observe(HISTOGRAM_DB_WAIT, 20);
	text = arena_strdup(a, print());
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	ck_assert_double_eq(
	    value(
		text, "kedge_worker_processes{service=\"core\",pool=\"api\"}"),
	    7);
	for (line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *end;

		if (strncmp(line, "# HELP ", 7) == 0) {
			family = line + 7;
			continue;
		}
		if (strncmp(line, "# TYPE ", 7) == 0) {
			ck_assert_int_eq(
			    strncmp(line + 7, family, strcspn(line + 7, " ")),
			    0);
			continue;
		}
		ck_assert_int_eq(
		    strncmp(line, family, strcspn(family, " ")), 0);
		end = strrchr(line, '}');
		ck_assert(end != NULL && end[1] == ' ');
		strtod(end + 2, &end);
		ck_assert_int_eq(*end, '\0');
	}
}
END_TEST

START_TEST(open_inherited_keeps_counts)
{
	int copy = dup(fd);

	metrics_add(METRIC_RATE_LIMITED, 9);
	ck_assert_int_eq(metrics_open(copy), copy);
	metrics_use_slot("api", 1);
	metrics_add(METRIC_RATE_LIMITED, 1);
	ck_assert_double_eq(
	    value(print(),
		"kedge_rate_limited_total{service=\"core\",pool=\"api\"}"),
	    10);
	close(copy);
}
END_TEST

START_TEST(open_misfit_makes_a_new_area)
{
	int other = memfd_create("other", 0);
	struct stat st;
	int made;

	/*
	 * An inherited file of the right size that contains no metrics is not
	 * used.
	 */
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(ftruncate(other, st.st_size), 0);
	metrics_add(METRIC_RATE_LIMITED, 9);
	made = metrics_open(other);
	ck_assert_int_ge(made, 0);
	metrics_use_slot("api", 0);
	ck_assert_double_eq(
	    value(print(),
		"kedge_rate_limited_total{service=\"core\",pool=\"api\"}"),
	    0);
	close(made);
}
END_TEST

START_TEST(print_touches_used_slots_only)
{
	struct stat st;

	metrics_request(me, 200, 1);
	metrics_use_slot("api", 1);
	metrics_add(METRIC_CACHE_HITS, 1);
	print();
	ck_assert_int_eq(fstat(fd, &st), 0);
	/*
	 * Two processes and one route use much less than the whole reserved
	 * memory.
	 */
	ck_assert_int_le(st.st_blocks * 512, 64 * 1024);
	ck_assert_int_ge(st.st_size, 1024 * 1024);
}
END_TEST

START_TEST(pools_are_apart)
{
	const char *text;

	metrics_add(METRIC_DB_QUERIES, 1);
	metrics_use_slot("verify", 0);
	metrics_add(METRIC_DB_QUERIES, 2);
	metrics_request(me, 200, 1);
	text = print();
	ck_assert_double_eq(value(text, "kedge_db_queries_total"
					"{service=\"core\",pool=\"api\"}"),
	    1);
	ck_assert_double_eq(value(text, "kedge_db_queries_total"
					"{service=\"core\",pool=\"verify\"}"),
	    2);
	ck_assert_double_eq(
	    value(text, "kedge_http_requests_total{service=\"core\",pool="
			"\"verify\",route=\"GET /me\",status=\"200\"}"),
	    1);
}
END_TEST

/*
 * After a restart the release can have fewer processes, and its routes in
 * another order.
 */
START_TEST(open_inherited_keeps_names)
{
	int copy = dup(fd);

	metrics_use_slot("verify", 0);
	metrics_request(me, 200, 1);
	ck_assert_int_eq(metrics_open(copy), copy);
	ck_assert_int_ne(metrics_route("GET /new"), me);
	ck_assert_int_eq(metrics_route("GET /me"), me);
	metrics_use_slot("verify", 0);
	metrics_request(me, 200, 1);
	ck_assert_double_eq(
	    value(print(), "kedge_http_requests_total{service=\"core\",pool="
			   "\"verify\",route=\"GET /me\",status=\"200\"}"),
	    2);
	close(copy);
}
END_TEST

START_TEST(requests_of_routes_without_a_slot_count_as_other)
{
	char label[32];
	int last = 0, n = 0;

	for (; last >= 0; n++) {
		snprintf(label, sizeof(label), "GET /%d", n);
		last = metrics_route(label);
	}
	ck_assert_int_eq(n, METRICS_ROUTES_MAX - 2 + 1);
	snprintf(label, sizeof(label), "GET /%d", n - 2);
	metrics_request(metrics_route(label), 200, 1);
	metrics_request(last, 200, 1);
	ck_assert_ptr_nonnull(strstr(print(), label));
	ck_assert_double_eq(
	    value(print(), "kedge_http_requests_total{service=\"core\",pool="
			   "\"api\",route=\"other\",status=\"200\"}"),
	    1);
}
END_TEST

#define THREADS_BUSY "kedge_threads_busy{service=\"core\",pool=\"api\"}"

/* The gauges of a killed process are not in the sums any more. */
START_TEST(gauges_end_with_their_process)
{
	int ready[2];
	pid_t pid;
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		metrics_begin_process("api");
		metrics_gauge_set(GAUGE_THREADS_BUSY, 4);
		metrics_gauge_add(GAUGE_THREADS_BUSY, -1);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	metrics_begin_process("api");
	metrics_gauge_add(GAUGE_THREADS_BUSY, 2);
	ck_assert_double_eq(value(print(), THREADS_BUSY), 5);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	metrics_end_process(pid);
	ck_assert_double_eq(value(print(), THREADS_BUSY), 2);
	close(ready[0]);
	close(ready[1]);
}
END_TEST

START_TEST(more_processes_than_slots_are_all_counted)
{
	for (int i = 0; i < METRICS_SLOTS_MAX + 9; i++) {
		metrics_use_slot("api", i);
		metrics_add(METRIC_DB_QUERIES, 1);
	}
	ck_assert_double_eq(value(print(), "kedge_db_queries_total"
					   "{service=\"core\",pool=\"api\"}"),
	    METRICS_SLOTS_MAX + 9);
}
END_TEST

START_TEST(histogram_is_printed)
{
	const char *text;

	ck_assert_ptr_null(
	    strstr(print(), "kedge_redis_pool_wait_seconds_sum"));
	metrics_observe(HISTOGRAM_CACHE_WAIT, 100);
	metrics_observe(HISTOGRAM_CACHE_WAIT, 31 * 1000 * 1000);
	text = print();
	ck_assert_double_eq(
	    value(text, "kedge_redis_pool_wait_seconds_bucket{service=\"core\","
			"pool=\"api\",le=\"0.0001\"}"),
	    1);
	ck_assert_double_eq(
	    value(text, "kedge_redis_pool_wait_seconds_bucket{service=\"core\","
			"pool=\"api\",le=\"60\"}"),
	    2);
}
END_TEST

START_TEST(build_and_start_are_printed)
{
	const char *text = print();

	ck_assert_double_eq(value(text, "kedge_build_info{service=\"core\","
					"version=\"9.9\"}"),
	    1);
	ck_assert_double_ge(
	    value(text, "kedge_start_time_seconds{service=\"core\"}"), 1.7e9);
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("metrics");
	TCase *before = tcase_create("before");
	TCase *tc = tcase_create("metrics");

	tcase_add_checked_fixture(before, setup_arena, teardown_arena);
	tcase_add_test(before, print_before_open_is_empty);
	suite_add_tcase(s, before);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, add_in_two_slots_is_summed);
	tcase_add_test(tc, own_metrics_are_printed_after_the_librarys);
	tcase_add_test(tc, open_of_a_release_with_other_metrics_begins_anew);
	tcase_add_test(tc, add_in_child_is_seen_by_parent);
	tcase_add_test(tc, request_falls_in_cumulative_buckets);
	tcase_add_test(tc, request_is_counted_by_status);
	tcase_add_test(tc, request_of_no_route_is_other);
	tcase_add_test(tc, print_escapes_labels);
	tcase_add_test(tc, print_is_prometheus_text);
	tcase_add_test(tc, open_inherited_keeps_counts);
	tcase_add_test(tc, open_misfit_makes_a_new_area);
	tcase_add_test(tc, print_touches_used_slots_only);
	tcase_add_test(tc, pools_are_apart);
	tcase_add_test(tc, open_inherited_keeps_names);
	tcase_add_test(tc, requests_of_routes_without_a_slot_count_as_other);
	tcase_add_test(tc, gauges_end_with_their_process);
	tcase_add_test(tc, more_processes_than_slots_are_all_counted);
	tcase_add_test(tc, histogram_is_printed);
	tcase_add_test(tc, build_and_start_are_printed);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run(make_suite());
}

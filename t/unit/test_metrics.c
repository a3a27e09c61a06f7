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

static const char *const routes[] = { "GET /me", "GET /a\"b\\c\nd" };

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
	metrics_use_slot(0);
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
	metrics_print(&b, "core", routes, 2);
	ck_assert(!buf_failed(&b));
	return b.data;
}

/* The number after `series`, which must be there once. */
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
	metrics_request(0, 200, 1);
	metrics_print(&b, "core", routes, 2);
	ck_assert_uint_eq(b.len, 0);
}
END_TEST

START_TEST(add_in_two_slots_is_summed)
{
	metrics_add(METRIC_CACHE_HITS, 2);
	metrics_use_slot(METRICS_SLOTS_MAX - 1);
	metrics_add(METRIC_CACHE_HITS, 40);
	ck_assert_double_eq(
	    value(print(), "kedge_cache_hits_total{service=\"core\"}"), 42);
}
END_TEST

START_TEST(add_in_child_is_seen_by_parent)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		metrics_use_slot(5);
		metrics_add(METRIC_DB_QUERIES, 3);
		metrics_request(0, 200, 100);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_double_eq(
	    value(print(), "kedge_db_queries_total{service=\"core\"}"), 3);
}
END_TEST

START_TEST(request_falls_in_cumulative_buckets)
{
	const char *text;

	metrics_request(0, 200, 500); /* on the bound: le means <= */
	metrics_request(0, 200, 501);
	metrics_request(0, 404, 30 * 1000);
	metrics_request(0, 200, 6 * 1000 * 1000);
	text = print();
#define BUCKET(le)                                                     \
	"kedge_http_request_duration_seconds_bucket{service=\"core\"," \
	"route=\"GET /me\",le=\"" le "\"}"
	ck_assert_double_eq(value(text, BUCKET("0.0005")), 1);
	ck_assert_double_eq(value(text, BUCKET("0.001")), 2);
	ck_assert_double_eq(value(text, BUCKET("0.025")), 2);
	ck_assert_double_eq(value(text, BUCKET("0.05")), 3);
	ck_assert_double_eq(value(text, BUCKET("5")), 3);
	ck_assert_double_eq(value(text, BUCKET("+Inf")), 4);
	ck_assert_double_eq_tol(
	    value(text,
		"kedge_http_request_duration_seconds_sum{service=\"core\","
		"route=\"GET /me\"}"),
	    6.031001, 1e-9);
	ck_assert_double_eq(
	    value(text,
		"kedge_http_request_duration_seconds_count{service=\"core\","
		"route=\"GET /me\"}"),
	    4);
}
END_TEST

START_TEST(request_is_counted_by_status)
{
	const char *text;

	metrics_request(0, 200, 1);
	metrics_request(0, 200, 1);
	metrics_request(0, 503, 1);
	metrics_request(0, 299, 1);
	text = print();
#define STATUS(s)                                                       \
	"kedge_http_requests_total{service=\"core\",route=\"GET /me\"," \
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
	    value(text, "kedge_http_requests_total{service=\"core\","
			"route=\"other\",status=\"404\"}"),
	    2);
}
END_TEST

START_TEST(print_escapes_labels)
{
	metrics_request(1, 200, 1);
	ck_assert_double_eq(
	    value(print(), "kedge_http_requests_total{service=\"core\","
			   "route=\"GET /a\\\"b\\\\c\\nd\",status=\"200\"}"),
	    1);
}
END_TEST

/* Each line is a comment or NAME{LABELS} NUMBER, and each family has a type. */
START_TEST(print_is_prometheus_text)
{
	char *text, *line, *rest = NULL;
	const char *family = "";

	metrics_request(0, 200, 1);
	metrics_set_workers(7);
	text = arena_strdup(a, print());
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	ck_assert_double_eq(
	    value(text, "kedge_worker_processes{service=\"core\"}"), 7);
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
	metrics_use_slot(1);
	metrics_add(METRIC_RATE_LIMITED, 1);
	ck_assert_double_eq(
	    value(print(), "kedge_rate_limited_total{service=\"core\"}"), 10);
	close(copy);
}
END_TEST

START_TEST(open_misfit_makes_a_new_area)
{
	int other = memfd_create("other", 0);
	struct stat st;
	int made;

	/* The right size, but no area. */
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(ftruncate(other, st.st_size), 0);
	metrics_add(METRIC_RATE_LIMITED, 9);
	made = metrics_open(other);
	ck_assert_int_ge(made, 0);
	ck_assert_double_eq(
	    value(print(), "kedge_rate_limited_total{service=\"core\"}"), 0);
	close(made);
}
END_TEST

START_TEST(print_touches_used_slots_only)
{
	struct stat st;

	metrics_request(0, 200, 1);
	metrics_use_slot(1);
	metrics_add(METRIC_CACHE_HITS, 1);
	print();
	ck_assert_int_eq(fstat(fd, &st), 0);
	/* Two slots with two routes and "other": not the 64 of the area. */
	ck_assert_int_le(st.st_blocks * 512, 64 * 1024);
	ck_assert_int_ge(st.st_size, 1024 * 1024);
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
	tcase_add_test(tc, add_in_child_is_seen_by_parent);
	tcase_add_test(tc, request_falls_in_cumulative_buckets);
	tcase_add_test(tc, request_is_counted_by_status);
	tcase_add_test(tc, request_of_no_route_is_other);
	tcase_add_test(tc, print_escapes_labels);
	tcase_add_test(tc, print_is_prometheus_text);
	tcase_add_test(tc, open_inherited_keeps_counts);
	tcase_add_test(tc, open_misfit_makes_a_new_area);
	tcase_add_test(tc, print_touches_used_slots_only);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run(make_suite());
}

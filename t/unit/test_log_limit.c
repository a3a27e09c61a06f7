#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

#include "base/attr.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "base/log_output.h"
#include "capture.h"

enum { SECOND_US = 1000 * 1000, MANY = 10000 };

/* The clock of the test; each test runs in a process of its own. */
static int64_t now_us = 1000 * (int64_t)SECOND_US;

static int
written(const char *message, int code, const char *source, int n)
{
	const struct log_kind kind = { message, code, source };
	int count = 0;

	for (int i = 0; i < n; i++)
		count += log_limit_take(&kind, now_us);
	return count;
}

START_TEST(events_of_a_kind_are_bounded_and_counted)
{
	struct log_dropped dropped;

	ck_assert_int_eq(written("a", 0, /* source= */ NULL, MANY), 100);
	/*
	 * One kind of log line reaching its limit does not affect lines of
	 * other kinds.
	 */
	ck_assert_int_eq(written("b", 0, /* source= */ NULL, 10), 10);
	ck_assert(!log_limit_next(now_us, /* all= */ false, &dropped));
	now_us += SECOND_US;
	ck_assert(log_limit_next(now_us, /* all= */ false, &dropped));
	ck_assert_str_eq(dropped.message, "a");
	ck_assert_int_eq(dropped.count, MANY - 100);
	ck_assert(!log_limit_next(now_us, /* all= */ false, &dropped));
	ck_assert_int_eq(written("a", 0, /* source= */ NULL, MANY), 5);
	now_us += 3600LL * SECOND_US;
	ck_assert_int_eq(written("a", 0, /* source= */ NULL, MANY), 100);
}
END_TEST

START_TEST(refusals_are_bounded_by_source_and_in_all)
{
	char source[16];
	int all;

	ck_assert_int_eq(written("request", 401, "10.0.0.1", MANY), 200);
	ck_assert_int_eq(written("request", 401, "10.0.0.2", 100), 100);
	ck_assert_int_eq(written("request", 404, "10.0.0.1", 100), 100);
	all = 300;
	for (int i = 0; i < 1000; i++) {
		snprintf(
		    source, sizeof(source), "10.1.%d.%d", i / 250, i % 250);
		all += written("request", 401, source, 10);
	}
	ck_assert_int_eq(all, 1000);
	/* Successful requests have a limit of their own. */
	ck_assert_int_eq(written("request", 0, "10.0.0.1", 1000), 1000);
}
END_TEST

/*
 * The table entry that a source would have if the hash did not contain a
 * secret.
 */
static uint64_t
unkeyed_place(const char *source)
{
	uint64_t h = 14695981039346656037u + 401;

	for (const char *at = "request"; *at != '\0'; at++)
		h = (h ^ (unsigned char)*at) * 1099511628211u;
	for (const char *at = source; *at != '\0'; at++)
		h = (h ^ (unsigned char)*at) * 1099511628211u;
	return (h ^ h >> 32) % 1024;
}

START_TEST(sources_that_share_a_place_cannot_be_chosen)
{
	static const char noisy[] = "10.0.0.1";
	char source[32];
	int others = 0, count = 0;

	ck_assert_int_eq(written("request", 401, noisy, MANY), 200);
	for (int i = 0; others < 20; i++) {
		snprintf(source, sizeof(source), "2001:db8::%x", i);
		if (unkeyed_place(source) != unkeyed_place(noisy))
			continue;
		others++;
		count += written("request", 401, source, 1);
	}
	/*
	 * If the entries are random, all twenty collide only once in 1024^20
	 * runs.
	 */
	ck_assert_int_gt(count, 0);
}
END_TEST

START_TEST(successful_requests_are_limited_by_source_only)
{
	ck_assert_int_eq(written("request", 0, "alice", MANY), 2000);
	ck_assert_int_eq(written("request", 0, "bob", 100), 100);
	now_us += SECOND_US;
	ck_assert_int_eq(written("request", 0, "alice", MANY), 500);
}
END_TEST

START_TEST(kinds_beyond_the_table_share_a_place)
{
	static char names[400][8];
	struct log_dropped dropped;
	int count = 0;

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(names[i], sizeof(names[i]), "k%zu", i);
		count += written(names[i], 0, /* source= */ NULL, 10);
	}
	ck_assert_int_eq(count, 255 * 10 + 100);
	ck_assert(log_limit_next(now_us, /* all= */ true, &dropped));
	ck_assert_str_eq(dropped.message, "other");
	ck_assert_int_eq(dropped.count, 4000 - count);
}
END_TEST

START_TEST(report_names_what_was_dropped)
{
	static char lines[1 << 20];
	struct capture capture;
	const char *last;
	int n = 0, count = -1;

	capture_begin(&capture);
	log_init("core", LOG_INFO);
	log_set_request("of-this-request", NULL);
	for (int i = 0; i < MANY; i++)
		log_event(LOG_WARN, LOG_EVENT("the same again"));
	for (int i = 0; i < MANY; i++)
		log_event_from(LOG_INFO, LOG_EVENT("request"), 401, "10.0.0.1",
		    (const struct log_field[]){ { 0 } });
	log_report(/* all= */ true);
	capture_end(&capture, lines, sizeof(lines));
	for (const char *at = lines; (at = strchr(at, '\n')) != NULL; at++)
		n++;
	/*
	 * On a slow machine a few more lines are allowed, because time passes.
	 */
	ck_assert_int_ge(n, 302);
	ck_assert_int_lt(n, MANY);
	last =
	    strstr(lines, "\"msg\":\"log lines dropped\",\"of\":\"request\"");
	ck_assert_ptr_nonnull(last);
	ck_assert_int_eq(
	    sscanf(strstr(last, "\"count\":"), "\"count\":%d", &count), 1);
	ck_assert_int_gt(count, 0);
	ck_assert_ptr_nonnull(strstr(last, "\"status\":401}"));
	ck_assert_ptr_nonnull(strstr(lines, "\"of\":\"the same again\""));
}
END_TEST

/* -- standard error is a pipe that nobody reads -- */

static int reader;

/*
 * Replaces standard error by a pipe whose buffer has room for only `room`
 * bytes.
 */
static void
fill_pipe(size_t room)
{
	static char filling[1 << 20];
	int ends[2], size;

	ck_assert_int_eq(pipe(ends), 0);
	size = fcntl(ends[1], F_GETPIPE_SZ);
	ck_assert_int_gt(size, 0);
	ck_assert_int_eq(
	    write(ends[1], filling, (size_t)size - room), size - (int)room);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	reader = ends[0];
}

static void
empty_pipe(char *out, size_t size)
{
	struct pollfd p = { .fd = reader, .events = POLLIN };
	size_t len = 0;

	while (len < size - 1 && poll(&p, 1, 0) == 1) {
		ssize_t n = read(reader, out + len, size - 1 - len);

		ck_assert_int_gt(n, 0);
		len += (size_t)n;
	}
	out[len] = '\0';
}

START_TEST(write_to_a_full_pipe_loses_lines_and_says_so)
{
	static char text[1 << 20];
	int saved = dup(STDERR_FILENO);

	fill_pipe(0);
	log_init("core", LOG_INFO);
	log_output_set_nonblocking();
	/* The pipe is full: without O_NONBLOCK these writes would block. */
	for (int i = 0; i < 10; i++)
		log_event(LOG_INFO, LOG_EVENT("nobody reads this"));
	empty_pipe(text, sizeof(text));
	log_event(LOG_INFO, LOG_EVENT("somebody reads this"));
	empty_pipe(text, sizeof(text));
	dup2(saved, STDERR_FILENO);
	ck_assert_ptr_nonnull(strstr(text, "somebody reads this"));
	ck_assert_ptr_nonnull(
	    strstr(text, "\"msg\":\"log lines lost\",\"count\":10}"));
}
END_TEST

/* O_NONBLOCK must not be set on the pipe as other processes see it. */
START_TEST(nonblocking_is_our_own_description)
{
	int saved = dup(STDERR_FILENO), flags;

	fill_pipe(0);
	log_output_set_nonblocking();
	flags = fcntl(STDERR_FILENO, F_GETFL);
	dup2(saved, STDERR_FILENO);
	ck_assert_int_eq(flags & O_NONBLOCK, 0);
}
END_TEST

START_TEST(write_of_half_a_line_is_ended_by_the_next)
{
	static char text[1 << 20], line[12000];
	int saved = dup(STDERR_FILENO);

	/* The kernel accepts either a whole page into the pipe, or nothing. */
	fill_pipe(4096);
	log_output_set_nonblocking();
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	log_output_write(line, sizeof(line));
	memset(text, 0, sizeof(text));
	ck_assert_int_gt(read(reader, text, sizeof(text) - 1), 0);
	log_output_write("next\n", 5);
	empty_pipe(text, sizeof(text));
	dup2(saved, STDERR_FILENO);
	ck_assert_ptr_nonnull(strstr(text, "\nnext\n"));
	ck_assert_int_eq(log_output_take_lost(), 1);
	ck_assert_int_eq(log_output_take_lost(), 0);
}
END_TEST

START_TEST(write_to_a_full_disk_loses_lines)
{
	int saved = dup(STDERR_FILENO), fd = open("/dev/full", O_WRONLY);
	int64_t lost;

	ck_assert_int_ge(fd, 0);
	dup2(fd, STDERR_FILENO);
	log_output_set_nonblocking();
	log_output_write("lost\n", 5);
	lost = log_output_take_lost(); /* cannot report lost lines, because the
	                                  pipe is still full */
	dup2(saved, STDERR_FILENO);
	ck_assert_int_eq(lost, 0);
}
END_TEST

START_TEST(write_to_a_closed_pipe_loses_lines)
{
	int saved = dup(STDERR_FILENO);

	signal(SIGPIPE, SIG_IGN);
	fill_pipe(0);
	log_output_set_nonblocking();
	close(reader);
	log_output_write("lost\n", 5);
	dup2(saved, STDERR_FILENO);
	ck_assert_int_eq(log_output_take_lost(), 0);
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("log_limit");
	TCase *tc = tcase_create("log_limit");

	tcase_add_test(tc, events_of_a_kind_are_bounded_and_counted);
	tcase_add_test(tc, refusals_are_bounded_by_source_and_in_all);
	tcase_add_test(tc, sources_that_share_a_place_cannot_be_chosen);
	tcase_add_test(tc, successful_requests_are_limited_by_source_only);
	tcase_add_test(tc, kinds_beyond_the_table_share_a_place);
	tcase_add_test(tc, report_names_what_was_dropped);
	suite_add_tcase(s, tc);
	tc = tcase_create("log_output");
	tcase_add_test(tc, write_to_a_full_pipe_loses_lines_and_says_so);
	tcase_add_test(tc, nonblocking_is_our_own_description);
	tcase_add_test(tc, write_of_half_a_line_is_ended_by_the_next);
	tcase_add_test(tc, write_to_a_full_disk_loses_lines);
	tcase_add_test(tc, write_to_a_closed_pipe_loses_lines);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run(make_suite());
}

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "capture.h"
#include "unit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/log_output.h"

static struct arena *a;
static struct capture capture;
static char lines[1 << 20];

static void
setup(void)
{
	a = arena_new();
	capture_begin(&capture);
	log_init("core", LOG_INFO);
}

static void
teardown(void)
{
	arena_free(a);
}

/*
 * Ends the capture, which must contain exactly one log line; returns it as
 * JSON.
 */
static const struct json *
logged(void)
{
	const char *problem = "";
	const struct json *j;
	char *end;

	capture_end(&capture, lines, sizeof(lines));
	end = strchr(lines, '\n');
	ck_assert_ptr_nonnull(end);
	ck_assert_int_eq(end[1], '\0');
	ck_assert_int_le(end + 1 - lines, LOG_LINE_MAX);
	ck_assert(utf8_valid(lines, strlen(lines)));
	j = json_read(a, lines, strlen(lines), &problem);
	ck_assert_msg(j != NULL, "%s: %s", problem, lines);
	return j;
}

static void
join_name(void *ctx, const char *name, const struct json *value)
{
	(void)value;
	buf_printf(ctx, "%s ", name);
}

START_TEST(event_has_its_members_in_order)
{
	const struct json *j;
	struct buf names;
	int64_t ms, n;

	log_set_worker("verify", 3);
	log_set_request("0123abcd", NULL);
	log_event(LOG_WARN, LOG_EVENT("redis is slow"), LOG_TEXT("host", "h"),
	    LOG_NUM("ms", sizeof(ms)), LOG_NUM("least", INT64_MIN),
	    LOG_TEXT("none", NULL));
	j = logged();
	buf_init(&names, a, 1000);
	json_each(j, join_name, &names);
	ck_assert_str_eq(names.data,
	    "time level service pool worker request_id msg host ms least "
	    "none ");
	ck_assert(clock_read(json_member_string(j, "time"), &ms));
	ck_assert_int_le(llabs(ms - clock_now_ms()), 5000);
	ck_assert_uint_eq(strlen(json_member_string(j, "time")), 24);
	ck_assert_str_eq(json_member_string(j, "level"), "warn");
	ck_assert_str_eq(json_member_string(j, "service"), "core");
	ck_assert_str_eq(json_member_string(j, "pool"), "verify");
	ck_assert(json_member_int(j, "worker", &n) && n == 3);
	ck_assert_str_eq(json_member_string(j, "request_id"), "0123abcd");
	ck_assert_str_eq(json_member_string(j, "msg"), "redis is slow");
	ck_assert_str_eq(json_member_string(j, "host"), "h");
	ck_assert(json_member_int(j, "ms", &n) && n == 8);
	ck_assert(json_member_int(j, "least", &n) && n == INT64_MIN);
	ck_assert_str_eq(json_member_string(j, "none"), "");
}
END_TEST

START_TEST(event_without_fields_or_request)
{
	const struct json *j;

	errno = ENOENT;
	log_event(LOG_ERROR, LOG_EVENT("out of luck"));
	ck_assert_int_eq(errno, ENOENT);
	j = logged();
	ck_assert_uint_eq(json_count(j), 4);
	ck_assert_str_eq(json_member_string(j, "msg"), "out of luck");
}
END_TEST

START_TEST(event_below_the_level_is_not_written)
{
	log_event(LOG_DEBUG, LOG_EVENT("detail"));
	log_init("core", LOG_ERROR);
	log_event(LOG_WARN, LOG_EVENT("warning"));
	log_event(LOG_ERROR, LOG_EVENT("error"));
	ck_assert_str_eq(json_member_string(logged(), "msg"), "error");
}
END_TEST

/* Field names and values, and what a JSON parser reads from the log line. */
static const struct {
	const char *text, *read;
} texts[] = {
	{ "", "" },
	{ "two\nlines", "two\nlines" },
	{ "\"},{\"level\":\"error", "\"},{\"level\":\"error" },
	{ "back\\slash", "back\\slash" },
	{ "\x01\x1b[31m\x7f", "\x01\x1b[31m\x7f" },
	{ "\xc2\x9b"
	  "31m",
	    "\xc2\x9b"
	    "31m" },
	{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
	    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "a\xff"
	  "b",
	    "a\xef\xbf\xbd"
	    "b" },
	{ "\xc3", "\xef\xbf\xbd" },
	{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
};

START_TEST(text_any_bytes_make_one_good_line)
{
	const struct json *j;

	log_event(
	    LOG_INFO, LOG_EVENT(texts[_i].text), LOG_TEXT("t", texts[_i].text));
	j = logged();
	ck_assert_str_eq(json_member_string(j, "msg"), texts[_i].read);
	ck_assert_str_eq(json_member_string(j, "t"), texts[_i].read);
	/*
	 * The line contains no control character that a terminal would execute.
	 */
	for (const char *p = lines; p[1] != '\0'; p++) {
		ck_assert((unsigned char)*p >= 0x20 && *p != 0x7f);
		ck_assert(*p != '\xc2' || (unsigned char)p[1] >= 0xa0);
	}
}
END_TEST

/*
 * Texts of lengths around the limit, so that the limit falls within a UTF-8
 * sequence of each size.
 */
START_TEST(text_is_cut_between_code_points)
{
	static const char *const units[] = { "x", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80" };
	struct buf text;
	const char *read;
	size_t unit_len = strlen(units[_i / 8]), kept;

	buf_init(&text, a, 10000);
	for (int i = 0; i < _i % 8; i++)
		buf_putc(&text, '.');
	while (text.len < LOG_TEXT_MAX + 8)
		buf_puts(&text, units[_i / 8]);
	log_event(LOG_INFO, LOG_EVENT("m"), LOG_TEXT("t", text.data));
	read = json_member_string(logged(), "t");
	kept = strlen(read) - 3;
	ck_assert_str_eq(read + kept, "\xe2\x80\xa6");
	ck_assert_uint_le(kept, LOG_TEXT_MAX);
	ck_assert_uint_gt(kept + unit_len, LOG_TEXT_MAX);
	ck_assert_int_eq(strncmp(read, text.data, kept), 0);
	ck_assert(utf8_valid(read, kept));
}
END_TEST

START_TEST(text_of_the_longest_length_is_whole)
{
	char text[LOG_TEXT_MAX + 1];

	memset(text, 'x', LOG_TEXT_MAX);
	text[LOG_TEXT_MAX] = '\0';
	log_event(LOG_INFO, LOG_EVENT(text), LOG_TEXT("t", text));
	ck_assert_str_eq(json_member_string(logged(), "t"), text);
}
END_TEST

START_TEST(line_is_cut_between_fields)
{
	char text[LOG_TEXT_MAX + 100];
	const struct json *j;

	/* Each of these bytes is escaped as six bytes in JSON. */
	memset(text, '\x01', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_init(text, LOG_INFO);
	log_set_worker(text, INT32_MAX);
	log_set_request(text, text);
	log_event(LOG_INFO, LOG_EVENT(text), LOG_NUM("a", 1),
	    LOG_TEXT("b", text), LOG_NUM("c", 1));
	j = logged();
	ck_assert_int_eq(json_member_string(j, "msg")[0], '\x01');
	ck_assert_ptr_nonnull(json_member(j, "a"));
	ck_assert_ptr_null(json_member(j, "b"));
	ck_assert(json_get_bool(json_member(j, "cut")));
}
END_TEST

static void *
log_many(void *arg)
{
	log_set_request(arg, NULL);
	for (int i = 0; i < 200; i++)
		log_event_from(LOG_INFO, LOG_EVENT("line"), /* code= */ 0, arg,
		    (const struct log_field[]){ LOG_TEXT("who", arg), { 0 } });
	return NULL;
}

START_TEST(threads_do_not_mix_lines_or_requests)
{
	static char names[4][8] = { "one", "two", "three", "four" };
	pthread_t threads[4];
	int nlines = 0;

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, log_many, names[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	capture_end(&capture, lines, sizeof(lines));
	for (char *line = lines, *end; *line != '\0'; line = end + 1) {
		const char *problem;
		const struct json *j;

		end = strchr(line, '\n');
		ck_assert_ptr_nonnull(end);
		j = json_read(a, line, (size_t)(end - line), &problem);
		ck_assert_ptr_nonnull(j);
		ck_assert_str_eq(json_member_string(j, "request_id"),
		    json_member_string(j, "who"));
		nlines++;
	}
	ck_assert_int_eq(nlines, 800);
}
END_TEST

/* Standard error is a socket that JOURNAL_STREAM names, as under systemd. */
START_TEST(line_for_the_journal_has_its_priority)
{
	int saved = dup(STDERR_FILENO);
	char name[64], text[256];
	struct stat st;
	ssize_t n;
	int fds[2];

	capture_end(&capture, lines, sizeof(lines));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(name, sizeof(name), "%llu:%llu", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", name, 1);
	log_output_set_nonblocking();
	log_event(LOG_WARN, LOG_EVENT("worker exited"));
	n = read(fds[0], text, sizeof(text) - 1);
	dup2(saved, STDERR_FILENO);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_msg(strncmp(text, "<4>{\"time\":", 11) == 0, "%s", text);
	ck_assert_int_eq(text[n - 1], '\n');
}
END_TEST

START_TEST(level_read_knows_the_four)
{
	enum log_level level = LOG_DEBUG;

	capture_end(&capture, lines, sizeof(lines));
	ck_assert(log_level_read("warn", &level));
	ck_assert_int_eq(level, LOG_WARN);
	ck_assert(!log_level_read("WARN", &level));
	ck_assert(!log_level_read("", &level));
	ck_assert_int_eq(level, LOG_WARN);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, event_has_its_members_in_order);
	tcase_add_test(tc, event_without_fields_or_request);
	tcase_add_test(tc, event_below_the_level_is_not_written);
	tcase_add_loop_test(tc, text_any_bytes_make_one_good_line, 0,
	    sizeof(texts) / sizeof(texts[0]));
	tcase_add_loop_test(tc, text_is_cut_between_code_points, 0, 32);
	tcase_add_test(tc, text_of_the_longest_length_is_whole);
	tcase_add_test(tc, line_is_cut_between_fields);
	tcase_add_test(tc, threads_do_not_mix_lines_or_requests);
	tcase_add_test(tc, line_for_the_journal_has_its_priority);
	tcase_add_test(tc, level_read_knows_the_four);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "unit.h"

#include "base/config.h"

struct settings {
	const char *url;
	const char *socket;
	const char *secret;
	int64_t threads;
	int64_t offset;
	bool limit;
};

/* clang-format off */
static const struct config_var vars[] = {
	{ CONFIG(struct settings, url, "URL"),
	  .fallback = "http://127.0.0.1:8080", .doc = "Public origin." },
	{ CONFIG(struct settings, socket, "SOCKET"), .max = 8,
	  .doc = "Path, or a|b." },
	{ CONFIG(struct settings, secret, "SECRET"), .min = 8, .max = 64,
	  .flags = CONFIG_SECRET | CONFIG_REQUIRED, .doc = "Signs." },
	{ CONFIG(struct settings, threads, "THREADS"), .fallback = "16",
	  .min = 1, .max = 512, .unit = "threads", .doc = "Of a worker." },
	{ CONFIG(struct settings, offset, "OFFSET"), .doc = "Any number." },
	{ CONFIG(struct settings, limit, "LIMIT"), .fallback = "on",
	  .doc = "Whether to limit." },
	{ 0 },
};
/* clang-format on */

static struct settings s;

/*
 * Each test runs in a process of its own, so it can change environment
 * variables.
 */
static void
setup(void)
{
	setenv("TEST_SECRET", "0123456789", 1);
	memset(&s, 0xff, sizeof(s));
}

START_TEST(load_unset_takes_fallbacks)
{
	ck_assert(config_load("TEST", vars, &s));
	ck_assert_str_eq(s.url, "http://127.0.0.1:8080");
	ck_assert_ptr_null(s.socket);
	ck_assert_str_eq(s.secret, "0123456789");
	ck_assert_int_eq(s.threads, 16);
	ck_assert_int_eq(s.offset, 0);
	ck_assert(s.limit);
}
END_TEST

START_TEST(load_set_takes_values)
{
	setenv("TEST_URL", "", 1);
	setenv("TEST_SOCKET", "12345678", 1);
	setenv("TEST_THREADS", "512", 1);
	setenv("TEST_OFFSET", "-9223372036854775808", 1);
	setenv("TEST_LIMIT", "off", 1);
	setenv("OTHER_THREADS", "1", 1);
	ck_assert(config_load("TEST", vars, &s));
	ck_assert_str_eq(s.url, "");
	ck_assert_str_eq(s.socket, "12345678");
	ck_assert_int_eq(s.threads, 512);
	ck_assert_int_eq(s.offset, INT64_MIN);
	ck_assert(!s.limit);
}
END_TEST

START_TEST(load_empty_number_and_switch_count_as_unset)
{
	setenv("TEST_THREADS", "", 1);
	setenv("TEST_LIMIT", "", 1);
	ck_assert(config_load("TEST", vars, &s));
	ck_assert_int_eq(s.threads, 16);
	ck_assert(s.limit);
}
END_TEST

static const struct {
	const char *name, *value; /* the variable's value; NULL: not set */
} bad[] = {
	{ "TEST_SECRET", NULL },
	{ "TEST_SECRET", "" },
	{ "TEST_SECRET", "short" },
	{ "TEST_SOCKET", "123456789" },
	{ "TEST_THREADS", "0" },
	{ "TEST_THREADS", "513" },
	{ "TEST_THREADS", "1 " },
	{ "TEST_THREADS", "016" },
	{ "TEST_OFFSET", "many" },
	{ "TEST_LIMIT", "true" },
	{ "TEST_LIMIT", "ON" },
	{ "TEST_LIMIT", "1" },
};

START_TEST(load_bad_is_refused_and_named)
{
	struct capture c;
	char text[4096];
	bool good;

	if (bad[_i].value != NULL)
		setenv(bad[_i].name, bad[_i].value, 1);
	else
		unsetenv(bad[_i].name);
	capture_begin(&c);
	good = config_load("TEST", vars, &s);
	capture_end(&c, text, sizeof(text));
	ck_assert(!good);
	ck_assert_ptr_nonnull(strstr(text, bad[_i].name));
}
END_TEST

START_TEST(load_reports_all_problems_and_no_secret)
{
	struct capture c;
	char text[4096];
	bool good;

	setenv("TEST_SECRET", "hidden", 1);
	setenv("TEST_THREADS", "lots", 1);
	setenv("TEST_LIMIT", "maybe", 1);
	capture_begin(&c);
	good = config_load("TEST", vars, &s);
	capture_end(&c, text, sizeof(text));
	ck_assert(!good);
	ck_assert_ptr_nonnull(strstr(text, "TEST_SECRET"));
	ck_assert_ptr_nonnull(strstr(text, "a text of 8 to 64 bytes"));
	ck_assert_ptr_nonnull(strstr(text, "TEST_THREADS"));
	ck_assert_ptr_nonnull(strstr(text, "a whole number from 1 to 512"));
	ck_assert_ptr_nonnull(strstr(text, "lots"));
	ck_assert_ptr_nonnull(strstr(text, "TEST_LIMIT"));
	ck_assert_ptr_null(strstr(text, "hidden"));
}
END_TEST

START_TEST(load_takes_a_secret_from_a_file)
{
	char path[] = "/tmp/test-config-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_eq(write(fd, "from the file\n", 14), 14);
	close(fd);
	unsetenv("TEST_SECRET");
	setenv("TEST_SECRET_FILE", path, 1);
	ck_assert(config_load("TEST", vars, &s));
	ck_assert_str_eq(s.secret, "from the file");
	unlink(path);
}
END_TEST

START_TEST(load_refuses_a_file_for_what_is_not_secret)
{
	struct capture c;
	char text[4096];
	bool good;

	setenv("TEST_URL_FILE", "/dev/null", 1);
	capture_begin(&c);
	good = config_load("TEST", vars, &s);
	capture_end(&c, text, sizeof(text));
	ck_assert(!good);
	ck_assert_ptr_nonnull(strstr(text, "TEST_URL_FILE"));
	ck_assert_ptr_nonnull(strstr(text, "only secrets are read from files"));
}
END_TEST

START_TEST(print_is_a_markdown_table)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	config_print(out, "TEST", vars);
	fclose(out);
	ck_assert_str_eq(text,
	    "| Variable | Default | Unit | Range | Meaning |\n"
	    "|---|---|---|---|---|\n"
	    "| `TEST_URL` | `http://127.0.0.1:8080` |  |  | Public origin. |\n"
	    "| `TEST_SOCKET` | none |  | 0 to 8 bytes | Path, or a\\|b. |\n"
	    "| `TEST_SECRET` | required |  | 8 to 64 bytes | Signs. Secret; "
	    "also "
	    "from `TEST_SECRET_FILE` or a credential. |\n"
	    "| `TEST_THREADS` | `16` | threads | 1 to 512 | Of a worker. |\n"
	    "| `TEST_OFFSET` | none |  |  | Any number. |\n"
	    "| `TEST_LIMIT` | `on` |  | on, off | Whether to limit. |\n");
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config");
	TCase *tc = tcase_create("config");

	tcase_add_checked_fixture(tc, setup, /* teardown= */ NULL);
	tcase_add_test(tc, load_unset_takes_fallbacks);
	tcase_add_test(tc, load_set_takes_values);
	tcase_add_test(tc, load_empty_number_and_switch_count_as_unset);
	tcase_add_loop_test(
	    tc, load_bad_is_refused_and_named, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, load_reports_all_problems_and_no_secret);
	tcase_add_test(tc, load_takes_a_secret_from_a_file);
	tcase_add_test(tc, load_refuses_a_file_for_what_is_not_secret);
	tcase_add_test(tc, print_is_a_markdown_table);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

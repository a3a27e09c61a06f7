#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "base/arena.h"
#include "base/secret.h"

static struct arena *a;
static char dir[] = "/tmp/test-secret-XXXXXX";
static char path[64]; /* dir/X_SECRET */
static struct secret secret;
static const char *problem;

/* Each test runs in a process of its own. */
static void
setup(void)
{
	a = arena_new();
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/X_SECRET", dir);
	unsetenv("X_SECRET");
	unsetenv("X_SECRET_FILE");
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void
teardown(void)
{
	unlink(path);
	rmdir(dir);
	arena_free(a);
}

static void
write_file(const char *bytes, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static bool
reads(void)
{
	return secret_read(
	    a, "X_SECRET", /* empty_is_unset= */ true, &secret, &problem);
}

static void
assert_problem(const char *expected)
{
	ck_assert(!reads());
	ck_assert_msg(strstr(problem, expected) != NULL,
	    "\"%s\" does not contain \"%s\"", problem, expected);
}

START_TEST(read_without_source_is_null)
{
	ck_assert(reads());
	ck_assert_ptr_null(secret.text);
	setenv("X_SECRET", "", 1);
	ck_assert(reads());
	ck_assert_ptr_null(secret.text);
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	ck_assert(reads());
	ck_assert_ptr_null(secret.text);
}
END_TEST

START_TEST(read_takes_the_variable)
{
	setenv("X_SECRET", "of the variable", 1);
	ck_assert(reads());
	ck_assert_str_eq(secret.text, "of the variable");
	ck_assert_ptr_null(secret.path);
	setenv("X_SECRET", "", 1);
	ck_assert(secret_read(
	    a, "X_SECRET", /* empty_is_unset= */ false, &secret, &problem));
	ck_assert_str_eq(secret.text, "");
}
END_TEST

START_TEST(read_takes_the_file_and_the_credential)
{
	write_file("of the file\n", 12, 0640);
	setenv("X_SECRET_FILE", path, 1);
	ck_assert(reads());
	ck_assert_str_eq(secret.text, "of the file");
	ck_assert_str_eq(secret.path, path);
	ck_assert_uint_eq(secret.open_mode, 0);

	write_file(" no newline ", 12, 0400);
	unsetenv("X_SECRET_FILE");
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	ck_assert(reads());
	ck_assert_str_eq(secret.text, " no newline ");
	ck_assert_str_eq(secret.path, path);
}
END_TEST

START_TEST(read_tells_that_others_can_access_the_file)
{
	write_file("x", 1, 0644);
	setenv("X_SECRET_FILE", path, 1);
	ck_assert(reads());
	ck_assert_uint_eq(secret.open_mode, 0644);
	write_file("x", 1, 0602);
	ck_assert(reads());
	ck_assert_uint_eq(secret.open_mode, 0602);
}
END_TEST

START_TEST(read_two_sources_names_both)
{
	write_file("x", 1, 0600);
	setenv("X_SECRET", "y", 1);
	setenv("X_SECRET_FILE", path, 1);
	assert_problem("the variable X_SECRET and the variable X_SECRET_FILE "
		       "both set it");
	unsetenv("X_SECRET");
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	assert_problem("the variable X_SECRET_FILE and the credential /tmp/");
	setenv("X_SECRET", "y", 1);
	unsetenv("X_SECRET_FILE");
	assert_problem("the variable X_SECRET and the credential /tmp/");
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
	const char *problem;
} bad[] = {
	{ "", 0, "it is empty" },
	{ "\n", 1, "it is empty" },
	{ "a\0b\n", 4, "NUL byte" },
	{ "a\0", 2, "NUL byte" },
	{ "a\nb", 3, "several lines" },
	{ "a\n\n", 3, "several lines" },
	{ "a\r\n", 3, "carriage return" },
};

START_TEST(read_bad_content_is_refused)
{
	write_file(bad[_i].bytes, bad[_i].len, 0600);
	setenv("X_SECRET_FILE", path, 1);
	assert_problem(bad[_i].problem);
	assert_problem(path);
}
END_TEST

START_TEST(read_limits_the_length)
{
	char *big = malloc(SECRET_FILE_MAX_BYTES + 1);

	memset(big, 'x', SECRET_FILE_MAX_BYTES + 1);
	setenv("X_SECRET_FILE", path, 1);
	write_file(big, SECRET_FILE_MAX_BYTES, 0600);
	ck_assert(reads());
	ck_assert_uint_eq(strlen(secret.text), SECRET_FILE_MAX_BYTES);
	write_file(big, SECRET_FILE_MAX_BYTES + 1, 0600);
	assert_problem("more than 16384 bytes");
	free(big);
}
END_TEST

START_TEST(read_bad_path_is_refused)
{
	setenv("X_SECRET_FILE", path, 1);
	assert_problem("No such file or directory");
	setenv("X_SECRET_FILE", "", 1);
	assert_problem("absolute path");
	setenv("X_SECRET_FILE", "secret", 1);
	assert_problem("absolute path");
	setenv("X_SECRET_FILE", dir, 1);
	assert_problem("not a regular file");
}
END_TEST

/* Opening a FIFO that has no writer must not block. */
START_TEST(read_fifo_is_refused)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	setenv("X_SECRET_FILE", path, 1);
	assert_problem("not a regular file");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("secret");
	TCase *tc = tcase_create("secret");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, read_without_source_is_null);
	tcase_add_test(tc, read_takes_the_variable);
	tcase_add_test(tc, read_takes_the_file_and_the_credential);
	tcase_add_test(tc, read_tells_that_others_can_access_the_file);
	tcase_add_test(tc, read_two_sources_names_both);
	tcase_add_loop_test(
	    tc, read_bad_content_is_refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, read_limits_the_length);
	tcase_add_test(tc, read_bad_path_is_refused);
	tcase_add_test(tc, read_fifo_is_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

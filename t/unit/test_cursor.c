#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "web/cursor.h"
#include "web/request.h"
#include "web/service.h"

static const unsigned char key[IDENTITY_KEY_SIZE] =
    "a key of thirty-two bytes, yes!";
static const unsigned char other_key[IDENTITY_KEY_SIZE] =
    "another of thirty-two bytes too";
static const char id[] = "01a1fba6-84a4-792b-8704-cb3b44de48a9";

static struct arena *a;

static void
set_up(void)
{
	a = arena_new();
}

static void
tear_down(void)
{
	arena_free(a);
}

START_TEST(read_what_was_written)
{
	const char *text = cursor_write(a, key, "tasks alice", id);

	ck_assert_uint_le(strlen(text), CURSOR_TEXT_MAX);
	ck_assert_str_eq(cursor_read(a, key, "tasks alice", text), id);
}
END_TEST

START_TEST(read_parameter_is_none_ours_or_refused)
{
	const struct service service = { .identity_keys = { .current = key } };
	const struct service renewed = {
		.identity_keys = { .current = other_key, .previous = key },
	};
	struct req r = { .arena = a, .service = &service };
	const char *text = cursor_write(a, key, "tasks alice", id);
	const char *position = id;

	ck_assert_int_eq(
	    cursor_read_parameter(&r, "tasks alice", NULL, &position), ERR_OK);
	ck_assert_ptr_null(position);
	ck_assert_int_eq(
	    cursor_read_parameter(&r, "tasks alice", "", &position), ERR_OK);
	ck_assert_ptr_null(position);
	ck_assert_int_eq(
	    cursor_read_parameter(&r, "tasks alice", text, &position), ERR_OK);
	ck_assert_str_eq(position, id);
	ck_assert_int_eq(r.problems.count, 0);
	r.service = &renewed;
	ck_assert_int_eq(
	    cursor_read_parameter(&r, "tasks alice", text, &position), ERR_OK);
	ck_assert_str_eq(position, id);

	ck_assert_int_eq(
	    cursor_read_parameter(&r, "tasks bob", text, &position),
	    ERR_INVALID);
	ck_assert_int_eq(r.problems.count, 1);
	ck_assert_str_eq(r.problems.items[0].name, "cursor");
}
END_TEST

START_TEST(read_longest_position)
{
	char position[CURSOR_POSITION_MAX + 1];
	const char *text;

	memset(position, 'p', CURSOR_POSITION_MAX);
	position[CURSOR_POSITION_MAX] = '\0';
	text = cursor_write(a, key, "", position);
	ck_assert_uint_le(strlen(text), CURSOR_TEXT_MAX);
	ck_assert_str_eq(cursor_read(a, key, "", text), position);
}
END_TEST

START_TEST(read_of_another_scope_or_key_is_refused)
{
	const char *text = cursor_write(a, key, "tasks alice", id);

	ck_assert_ptr_null(cursor_read(a, key, "tasks bob", text));
	ck_assert_ptr_null(cursor_read(a, key, "tasks", text));
	ck_assert_ptr_null(cursor_read(a, key, "", text));
	ck_assert_ptr_null(cursor_read(a, other_key, "tasks alice", text));
}
END_TEST

START_TEST(scope_and_position_do_not_run_together)
{
	const char *text = cursor_write(a, key, "ab", "c");

	ck_assert_ptr_null(cursor_read(a, key, "a", text));
	ck_assert_str_ne(text, cursor_write(a, key, "a", "bc"));
}
END_TEST

/*
 * Every cursor with one changed character, at every position, and every
 * truncated cursor, is refused.
 */
START_TEST(read_tampered_is_refused)
{
	const char *text = cursor_write(a, key, "tasks", id);
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		char *copy = arena_strdup(a, text);

		for (int c = 1; c < 256; c++) {
			if ((char)c == text[i])
				continue;
			copy[i] = (char)c;
			ck_assert_ptr_null(cursor_read(a, key, "tasks", copy));
		}
		copy[i] = '\0';
		ck_assert_ptr_null(cursor_read(a, key, "tasks", copy));
	}
	ck_assert_ptr_null(
	    cursor_read(a, key, "tasks", arena_printf(a, "%sA", text)));
}
END_TEST

static const char *const bad[] = { "", "A", "AA", "AAAAAAAAAAA", "=", "%",
	"null", "01a1fba6-84a4-792b-8704-cb3b44de48a9", "\xff\xff\xff\xff" };

START_TEST(read_bad_text_is_refused)
{
	ck_assert_ptr_null(cursor_read(a, key, "tasks", bad[_i]));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cursor");
	TCase *tc = tcase_create("cursor");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, read_what_was_written);
	tcase_add_test(tc, read_parameter_is_none_ours_or_refused);
	tcase_add_test(tc, read_longest_position);
	tcase_add_test(tc, read_of_another_scope_or_key_is_refused);
	tcase_add_test(tc, scope_and_position_do_not_run_together);
	tcase_add_test(tc, read_tampered_is_refused);
	tcase_add_loop_test(tc, read_bad_text_is_refused, 0,
	    (int)(sizeof(bad) / sizeof(bad[0])));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "job/text_table.h"

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

START_TEST(columns_are_as_wide_as_needed)
{
	static const char *const headings[] = { "ID", "NAME", "X", NULL };
	static const char *const one[] = { "12345", "caf\303\251", NULL };
	static const char *const two[] = { "1", "longer", "y" };
	struct text_table t;
	struct buf b;

	text_table_init(&t, a, headings);
	text_table_add(&t, one);
	text_table_add(&t, two);
	buf_init(&b, a, 1000);
	text_table_write(&t, &b);
	ck_assert_str_eq(b.data, "ID     NAME    X\n"
				 "12345  caf\303\251    -\n"
				 "1      longer  y\n");
}
END_TEST

START_TEST(table_grows_to_many_rows)
{
	static const char *const headings[] = { "A", "B", "C", NULL };
	static const char *const row[] = { "a", "b", "c" };
	struct text_table t;
	struct buf b;

	text_table_init(&t, a, headings);
	for (int i = 0; i < 5000; i++)
		text_table_add(&t, row);
	buf_init(&b, a, 1 << 20);
	text_table_write(&t, &b);
	ck_assert_uint_eq(b.len, 5001 * 8);
}
END_TEST

static const struct {
	const char *text, *shown;
} texts[] = {
	{ "", "" },
	{ "plain \303\251 \342\202\254", "plain \303\251 \342\202\254" },
	{ "a\nb\tc\r", "a?b?c?" },
	{ "\033[31mred\177", "?[31mred?" },
	{ "\302\2331m", "?1m" }, /* U+009B, a CSI (control sequence introducer)
	                            in one character */
	{ "\302\240x", "\302\240x" },
	{ "\302", "\302" },
};

START_TEST(control_characters_are_printed_as_question_marks)
{
	ck_assert_str_eq(text_printable(a, texts[_i].text), texts[_i].shown);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("text_table");
	TCase *t = tcase_create("table");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, columns_are_as_wide_as_needed);
	tcase_add_test(t, table_grows_to_many_rows);
	tcase_add_loop_test(t, control_characters_are_printed_as_question_marks,
	    0, (int)COUNT_OF(texts));
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return unit_run(suite());
}

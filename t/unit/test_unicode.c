#include "unit.h"

#include <stdlib.h>

#include "base/attr.h"
#include "base/unicode.h"

static const struct {
	const char *text;
	bool is_line;
} lines[] = {
	{ "x", true }, { "  spaces  ", true },
	{ "\xf0\x9f\x98\x80", true }, /* an emoji */
	{ "\xd9\x86\xe2\x80\x8c\xd8\xa7",
	    true }, /* with a ZERO WIDTH NON-JOINER between letters */
	{ "", false }, { " ", false },
	{ "\xc2\xa0\xe2\x80\x8b",
	    false }, /* NO-BREAK SPACE, ZERO WIDTH SPACE */
	{ "a\tb", false }, { "a\nb", false }, { "a\x7f", false },
	{ "a\xc2\x85", false }, /* NEXT LINE */
	{ "a\xe2\x80\xa8", false }, /* LINE SEPARATOR */
	{ "a\xe2\x80\xa9", false }, /* PARAGRAPH SEPARATOR */
	{ "a\xff", false }, { "a\xed\xa0\x80", false }, /* a surrogate */
};

START_TEST(line_is_distinguished_from_other_text)
{
	ck_assert_int_eq(unicode_is_line(lines[_i].text), lines[_i].is_line);
}
END_TEST

START_TEST(nfkc_is_of_compatible_characters)
{
	/* The ligature fi, e, and a combining acute accent. */
	char *text = unicode_nfkc("\xef\xac\x81"
				  "e\xcc\x81");

	ck_assert_str_eq(text, "fi\xc3\xa9");
	free(text);
	ck_assert_ptr_null(unicode_nfkc("\xff"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("unicode");
	TCase *tc = tcase_create("unicode");

	tcase_add_loop_test(
	    tc, line_is_distinguished_from_other_text, 0, (int)COUNT_OF(lines));
	tcase_add_test(tc, nfkc_is_of_compatible_characters);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

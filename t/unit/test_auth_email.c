#include "unit.h"

#include <string.h>

#include "auth/identity/email.h"
#include "base/arena.h"
#include "base/attr.h"

/* clang-format off */
static const struct {
	const char *text;
	bool valid;
} rows[] = {
	{ "a@b.co", true },
	{ "A.b+c_d-e'f@Example.COM", true },
	{ "_@1a.b-c.info", true },
	{ "a+@b.co", true },
	{ "a-@b.co", true },
	{ "0@0.aa", true },
	{ "", false },
	{ "@", false },
	{ "a", false },
	{ "a@", false },
	{ "@b.co", false },
	{ "a@b", false },
	{ "a@b.c", false },
	{ "a@b.c1", false },
	{ "a@.co", false },
	{ "a@b.", false },
	{ "a@b..co", false },
	{ "a@-b.co", false },
	{ "a@b_c.co", false },
	{ ".a@b.co", false },
	{ "a.@b.co", false },
	{ "a..b@c.co", false },
	{ "a'@b.co", false },
	{ "'@b.co", false },
	{ "a@@b.co", false },
	{ "a@b@c.co", false },
	{ " a@b.co", false },
	{ "a@b.co ", false },
	{ "a@b.co\n", false },
	{ "a@b.co\r\nBcc: c@d.co", false },
	{ "a b@c.co", false },
	{ "\"a\"@b.co", false },
	{ "a@[127.0.0.1]", false },
	{ "a\xef\xbc\xa0" "b.co", false }, /* FULLWIDTH COMMERCIAL AT in place of "@" */
	{ "\xc3\xbc@b.co", false },
	{ "a@b\xc3\xbc.co", false },
	{ "a@b.c\xc3\xb6m", false },
	{ "a(c)@b.co", false },
	{ "a,b@c.co", false },
};
/* clang-format on */

START_TEST(addresses_are_valid_or_not_as_expected)
{
	ck_assert_msg(
	    email_valid(rows[_i].text) == rows[_i].valid, "%s", rows[_i].text);
}
END_TEST

START_TEST(valid_up_to_254_bytes)
{
	char text[EMAIL_MAX_BYTES + 2];

	memset(text, 'a', sizeof(text));
	memcpy(text + EMAIL_MAX_BYTES - 5, "@b.co", 6);
	ck_assert(email_valid(text));
	memset(text, 'a', sizeof(text));
	memcpy(text + EMAIL_MAX_BYTES - 4, "@b.co", 6);
	ck_assert(!email_valid(text));
}
END_TEST

START_TEST(canonical_is_lower_case)
{
	struct arena *a = arena_new();

	ck_assert_str_eq(
	    email_canonical(a, "A.B'c@ExAmPlE.Com"), "a.b'c@example.com");
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("auth_email");
	TCase *tc = tcase_create("email");

	tcase_add_loop_test(
	    tc, addresses_are_valid_or_not_as_expected, 0, COUNT_OF(rows));
	tcase_add_test(tc, valid_up_to_254_bytes);
	tcase_add_test(tc, canonical_is_lower_case);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

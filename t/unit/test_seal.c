#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "base/seal.h"

static const unsigned char key[SEAL_KEY_SIZE] =
    "0123456789abcdef0123456789abcde";
static const unsigned char other[SEAL_KEY_SIZE] = "another";

START_TEST(test_seal)
{
	static const char *const texts[] = { "", "x", "a secret \xc3\xbc" };
	struct arena *a = arena_new();

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		const char *sealed = seal_text(a, key, "mail 1", texts[i]);
		char *changed = arena_strdup(a, sealed);
		const char *opened = seal_open(a, key, "mail 1", sealed);

		ck_assert_ptr_nonnull(opened);
		ck_assert_str_eq(opened, texts[i]);
		if (strlen(texts[i]) > 1)
			ck_assert_ptr_null(strstr(sealed, texts[i]));
		ck_assert_str_ne(sealed, seal_text(a, key, "mail 1", texts[i]));
		ck_assert_ptr_null(seal_open(a, key, "mail 2", sealed));
		ck_assert_ptr_null(seal_open(a, other, "mail 1", sealed));
		for (size_t at = 0; at < strlen(sealed); at++) {
			changed[at] = sealed[at] == 'A' ? 'B' : 'A';
			ck_assert_ptr_null(
			    seal_open(a, key, "mail 1", changed));
			changed[at] = sealed[at];
		}
		changed[strlen(sealed) - 2] = '\0';
		ck_assert_ptr_null(seal_open(a, key, "mail 1", changed));
	}
	ck_assert_ptr_null(seal_open(a, key, "mail 1", ""));
	ck_assert_ptr_null(seal_open(a, key, "mail 1", "!"));
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("seal");
	TCase *t = tcase_create("seal");

	tcase_add_test(t, test_seal);
	suite_add_tcase(s, t);
	return unit_run(s);
}

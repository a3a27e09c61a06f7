#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "base/clock.h"
#include "base/uuid.h"

START_TEST(v7_is_valid_and_of_now)
{
	char id[UUID_TEXT_SIZE];
	uint64_t high, low;
	int64_t now_ms = clock_now_ms();

	uuid_v7(id);
	ck_assert(uuid_valid(id));
	ck_assert_int_eq(id[14], '7');
	ck_assert_ptr_nonnull(strchr("89ab", id[19]));
	ck_assert_uint_eq(strspn(id, "0123456789abcdef-"), UUID_TEXT_SIZE - 1);
	ck_assert_int_eq(sscanf(id, "%8" SCNx64 "-%4" SCNx64, &high, &low), 2);
	ck_assert_int_ge((int64_t)(high << 16 | low), now_ms);
	ck_assert_int_le((int64_t)(high << 16 | low), clock_now_ms());
}
END_TEST

START_TEST(v7_differs_and_follows_the_clock)
{
	enum { COUNT = 20000, TIME_LEN = 13 };
	static char ids[COUNT][UUID_TEXT_SIZE];

	for (int i = 0; i < COUNT; i++) {
		uuid_v7(ids[i]);
		if (i > 0 && (strcmp(ids[i], ids[i - 1]) == 0 ||
				 strncmp(ids[i - 1], ids[i], TIME_LEN) > 0))
			ck_abort_msg("%s, then %s", ids[i - 1], ids[i]);
	}
}
END_TEST

static const struct {
	const char *text;
	bool is_valid;
} rows[] = {
	{ "017f22e2-79b0-7cc3-98c4-dc0c0c07398f", true },
	{ "017F22E2-79B0-7CC3-98C4-DC0C0C07398F", true },
	{ "00000000-0000-0000-0000-000000000000", true },
	{ "", false },
	{ "-", false },
	{ "017f22e2", false },
	{ "017f22e279b07cc398c4dc0c0c07398f", false },
	{ "017f22e2-79b0-7cc3-98c4-dc0c0c07398", false },
	{ "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0", false },
	{ "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", false },
	{ "017f22e2-79b0-7cc3-98c4_dc0c0c07398f", false },
	{ "017f22e27-9b0-7cc3-98c4-dc0c0c07398f", false },
	{ " 17f22e2-79b0-7cc3-98c4-dc0c0c07398f", false },
	{ "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}", false },
	{ "017f22e2-79b0-7cc3-98c4-dc0c0c07398\n", false },
};

START_TEST(valid_wants_the_canonical_form)
{
	ck_assert_int_eq(uuid_valid(rows[_i].text), rows[_i].is_valid);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("uuid");
	TCase *tc = tcase_create("uuid");

	tcase_add_test(tc, v7_is_valid_and_of_now);
	tcase_add_test(tc, v7_differs_and_follows_the_clock);
	tcase_add_loop_test(tc, valid_wants_the_canonical_form, 0,
	    sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

#include <string.h>

#include "unit.h"

#include "base/err.h"

/*
 * Each row of the error table is complete, and no two rows have the same code.
 */
START_TEST(info_of_each_is_complete)
{
	const struct err_info *info = err_info((enum err)_i);

	ck_assert_int_ge(info->status, _i == ERR_OK ? 200 : 400);
	ck_assert_int_lt(info->status, 600);
	ck_assert_uint_gt(strlen(info->code), 0);
	ck_assert_uint_gt(strlen(info->message), 0);
	ck_assert_uint_eq(strspn(info->code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"),
	    strlen(info->code));
	for (int other = 0; other < _i; other++)
		ck_assert_str_ne(err_info((enum err)other)->code, info->code);
}
END_TEST

START_TEST(info_of_some_has_its_status)
{
	ck_assert_int_eq(err_info(ERR_INVALID)->status, 400);
	ck_assert_int_eq(err_info(ERR_UNAUTHENTICATED)->status, 401);
	ck_assert_int_eq(err_info(ERR_METHOD)->status, 405);
	ck_assert_int_eq(err_info(ERR_STALE)->status, 412);
	ck_assert_int_eq(err_info(ERR_RATE_LIMITED)->status, 429);
	ck_assert_int_eq(err_info(ERR_INTERNAL)->status, 500);
	ck_assert_int_eq(err_info(ERR_UNAVAILABLE)->status, 503);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("err");
	TCase *info = tcase_create("info");

	tcase_add_loop_test(info, info_of_each_is_complete, 0, ERR__MAX);
	tcase_add_test(info, info_of_some_has_its_status);
	suite_add_tcase(suite, info);
	return unit_run(suite);
}

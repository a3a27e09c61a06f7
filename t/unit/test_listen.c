#include <errno.h>

#include "unit.h"

#include "base/attr.h"
#include "base/log.h"
#include "process/listen.h"

/* The errors of accept(), and how they are classified. */
static const struct {
	int error;
	enum listen_trouble trouble;
} failures[] = {
	{ EINTR, LISTEN_PASSING },
	{ ECONNABORTED, LISTEN_PASSING },
	{ EAGAIN, LISTEN_PASSING },
	{ EMFILE, LISTEN_SHORTAGE },
	{ ENFILE, LISTEN_SHORTAGE },
	{ ENOMEM, LISTEN_SHORTAGE },
	{ EBADF, LISTEN_BROKEN },
};

START_TEST(trouble_is_told_by_the_error)
{
	log_init("test", LOG_ERROR);
	ck_assert_int_eq(
	    listen_trouble(failures[_i].error), failures[_i].trouble);
}
END_TEST

START_TEST(backoff_doubles_up_to_a_second)
{
	static const int ms[] = { 50, 100, 200, 400, 800, 1000, 1000 };

	for (size_t i = 0; i < COUNT_OF(ms); i++)
		ck_assert_int_eq(listen_backoff_ms((int)i + 1), ms[i]);
	ck_assert_int_eq(listen_backoff_ms(1000000000), 1000);
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("listen");
	TCase *tc = tcase_create("listen");

	tcase_add_loop_test(
	    tc, trouble_is_told_by_the_error, 0, COUNT_OF(failures));
	tcase_add_test(tc, backoff_doubles_up_to_a_second);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return unit_run(make_suite());
}

#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "job/webhook_sign.h"

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

/* The example that the libraries of Standard Webhooks use in their tests. */
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define OTHER "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDAAAA"
#define BODY "{\"test\": 2432232314}"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static const struct webhook_message message = {
	.id = "msg_p5jXN8AQM9LWM0D4loKWxJek",
	.timestamp_s = 1614265330,
	.body = BODY,
	.body_len = sizeof(BODY) - 1,
};

START_TEST(sign_gives_the_signature_of_the_specification_example)
{
	ck_assert_str_eq(
	    webhook_sign(a, &message, SECRET, /* old_secret= */ NULL),
	    SIGNATURE);
}
END_TEST

START_TEST(sign_with_an_old_secret_gives_two_signatures)
{
	const char *both = webhook_sign(a, &message, OTHER, SECRET);
	const char *space = strchr(both, ' ');

	ck_assert_ptr_nonnull(space);
	ck_assert_str_eq(space + 1, SIGNATURE);
	ck_assert_str_eq(arena_strndup(a, both, (size_t)(space - both)),
	    webhook_sign(a, &message, OTHER, NULL));
}
END_TEST

START_TEST(sign_covers_id_time_and_body)
{
	struct webhook_message m = message;

	m.id = "msg_q";
	ck_assert_str_ne(webhook_sign(a, &m, SECRET, NULL), SIGNATURE);
	m = message;
	m.timestamp_s++;
	ck_assert_str_ne(webhook_sign(a, &m, SECRET, NULL), SIGNATURE);
	m = message;
	m.body_len--;
	ck_assert_str_ne(webhook_sign(a, &m, SECRET, NULL), SIGNATURE);
}
END_TEST

START_TEST(new_secrets_are_valid_and_differ)
{
	const char *one = webhook_new_secret(a), *two = webhook_new_secret(a);

	ck_assert(webhook_secret_valid(a, one));
	ck_assert_str_ne(one, two);
	ck_assert_uint_eq(strlen(one), 6 + 44);
}
END_TEST

static const struct {
	const char *text;
	bool valid;
} secrets[] = {
	{ SECRET, true }, { OTHER, true }, { "", false }, { "whsec_", false },
	{ "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false },
	{ "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false },
	{ "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==", false }, /* 23 bytes */
	{ "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", false },
	{ "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La-_Sw", false },
	{ "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", false },
	{ "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	  "AAAAAAAAAAAAAAAAAAAAAAAAAA==",
	    true }, /* 64 bytes */
	{ "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	  "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	    false }, /* 65 bytes */
};

START_TEST(secret_valid_checks_form_and_length)
{
	ck_assert_int_eq(
	    webhook_secret_valid(a, secrets[_i].text), secrets[_i].valid);
	if (!secrets[_i].valid)
		ck_assert_ptr_null(
		    webhook_sign(a, &message, secrets[_i].text, NULL));
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("webhook_sign");
	TCase *t = tcase_create("sign");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(
	    t, sign_gives_the_signature_of_the_specification_example);
	tcase_add_test(t, sign_with_an_old_secret_gives_two_signatures);
	tcase_add_test(t, sign_covers_id_time_and_body);
	tcase_add_test(t, new_secrets_are_valid_and_differ);
	tcase_add_loop_test(
	    t, secret_valid_checks_form_and_length, 0, (int)COUNT_OF(secrets));
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return unit_run(suite());
}

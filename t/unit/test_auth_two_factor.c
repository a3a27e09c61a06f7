/*
 * The parts of the second factor that need no server: codes (RFC 6238), secrets
 * as text, encrypted texts, and the list of backup codes.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/identity/encrypted_text.h"
#include "auth/plugin/two_factor/backup_codes.h"
#include "auth/plugin/two_factor/totp.h"
#include "base/arena.h"
#include "base/base32.h"
#include "base/str.h"

static struct arena *a;
static struct auth auth, rotated, other;

static void
set_secret(struct auth *at, const char *secret, const char *previous)
{
	*at = (struct auth){ .secret = secret, .secret_len = strlen(secret) };
	if (previous != NULL) {
		at->secret_previous = previous;
		at->secret_previous_len = strlen(previous);
	}
}

static void
setup(void)
{
	static const char first[] = "the first secret, of 32 characters";
	static const char second[] = "the second secret, of 32 characters";

	a = arena_new();
	set_secret(&auth, first, NULL);
	set_secret(&rotated, second, first);
	set_secret(&other, second, NULL);
}

static void
teardown(void)
{
	arena_free(a);
}

/* The examples of RFC 4648 section 10. */
static const struct {
	const char *data, *text;
} base32[] = {
	{ "", "" },
	{ "f", "MY" },
	{ "fo", "MZXQ" },
	{ "foo", "MZXW6" },
	{ "foob", "MZXW6YQ" },
	{ "fooba", "MZXW6YTB" },
	{ "foobar", "MZXW6YTBOI" },
};

START_TEST(base32_is_that_of_the_rfc)
{
	const char *data = base32[_i].data, *text = base32[_i].text;
	unsigned char *back;
	size_t len;

	ck_assert_str_eq(base32_encode(a, data, strlen(data)), text);
	ck_assert(base32_decode(a, text, &back, &len));
	ck_assert_uint_eq(len, strlen(data));
	ck_assert_mem_eq(back, data, len);
}
END_TEST

START_TEST(base32_reads_small_letters_and_padding_only)
{
	static const char *const bad[] = { "MZ1W6", "MZ W6", "MZX-", "=MZX" };
	unsigned char *back;
	size_t len;

	ck_assert(base32_decode(a, "mzxw6ytboi======", &back, &len));
	ck_assert_uint_eq(len, 6);
	ck_assert_mem_eq(back, "foobar", 6);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert(!base32_decode(a, bad[i], &back, &len));
}
END_TEST

static struct totp
app(const char *secret, int64_t digits)
{
	return (
	    struct totp){ .secret = secret, .digits = digits, .period_s = 30 };
}

/* The table of RFC 6238, appendix B, for SHA-1. */
static const struct {
	int64_t now_s;
	const char *code;
} rfc6238[] = {
	{ 59, "94287082" },
	{ 1111111109, "07081804" },
	{ 1111111111, "14050471" },
	{ 1234567890, "89005924" },
	{ 2000000000, "69279037" },
	{ 20000000000, "65353130" },
};

START_TEST(codes_are_those_of_the_rfc)
{
	struct totp t = app("12345678901234567890", 8);
	char code[TOTP_DIGITS_MAX + 1];
	int64_t now_s = rfc6238[_i].now_s;

	ck_assert(totp_code(a, &t, now_s / 30, code));
	ck_assert_str_eq(code, rfc6238[_i].code);
	ck_assert_int_eq(
	    totp_find_step(a, &t, rfc6238[_i].code, now_s), now_s / 30);
}
END_TEST

START_TEST(a_code_is_good_for_one_step_before_and_after)
{
	struct totp t = app("12345678901234567890", 6);
	char code[TOTP_DIGITS_MAX + 1];
	int64_t step = 1000;

	ck_assert(totp_code(a, &t, step, code));
	for (int64_t off = -2; off <= 2; off++)
		ck_assert_int_eq(totp_find_step(a, &t, code, (step + off) * 30),
		    off == -2 || off == 2 ? -1 : step);
	ck_assert_int_eq(totp_find_step(a, &t, "", step * 30), -1);
	ck_assert_int_eq(totp_find_step(a, &t, "1234567", step * 30), -1);
}
END_TEST

START_TEST(a_secret_may_be_base32)
{
	struct totp text = app("12345678901234567890", 6);
	struct totp imported =
	    app("base32:gezdgnbvgy3tqojqGEZDGNBVGY3TQOJQ", 6);
	struct totp bad = app("base32:0", 6), empty = app("base32:", 6);
	char one[TOTP_DIGITS_MAX + 1], two[TOTP_DIGITS_MAX + 1];

	ck_assert(totp_code(a, &text, 7, one));
	ck_assert(totp_code(a, &imported, 7, two));
	ck_assert_str_eq(one, two);
	ck_assert(!totp_code(a, &bad, 7, one));
	ck_assert(!totp_code(a, &empty, 7, one));
	ck_assert_int_eq(totp_find_step(a, &bad, "123456", 210), -1);
	ck_assert_ptr_null(totp_uri(a, &bad, "x", "y"));
}
END_TEST

START_TEST(the_address_is_that_of_betterauth)
{
	struct totp t = app("qEKzOYGAck_lhVFqp4q9f0BHZ96PPF_O", 6);

	ck_assert_str_eq(totp_uri(a, &t, "Better Auth", "alice@example.com"),
	    "otpauth://totp/Better%20Auth:alice%40example.com?secret="
	    "OFCUW6SPLFDUCY3LL5WGQVSGOFYDI4JZMYYEESC2HE3FAUCGL5HQ"
	    "&issuer=Better+Auth&digits=6&period=30");
	ck_assert_ptr_nonnull(
	    strstr(totp_uri(a, &t, "A&B (c)", "x"), "&issuer=A%26B+%28c%29&"));
}
END_TEST

START_TEST(an_encrypted_text_needs_its_secret)
{
	const char *stored = encrypted_text_write(&auth, a, "a secret");
	bool current = false;
	char *changed;

	ck_assert_str_ne(stored, encrypted_text_write(&auth, a, "a secret"));
	ck_assert_str_eq(
	    encrypted_text_read(&auth, a, stored, &current), "a secret");
	ck_assert(current);
	ck_assert_str_eq(
	    encrypted_text_read(&rotated, a, stored, &current), "a secret");
	ck_assert(!current);
	ck_assert_ptr_null(encrypted_text_read(&other, a, stored, &current));
	changed = arena_strdup(a, stored);
	changed[strlen(changed) - 1] ^= 1;
	ck_assert_ptr_null(encrypted_text_read(&auth, a, changed, NULL));
	ck_assert_ptr_null(encrypted_text_read(&auth, a, "", NULL));
	ck_assert_ptr_null(encrypted_text_read(&auth, a, "xyz", NULL));
	ck_assert_ptr_null(encrypted_text_read(
	    &auth, a, arena_strndup(a, stored, strlen(stored) - 1), NULL));
}
END_TEST

START_TEST(a_backup_code_works_once)
{
	struct strings codes = backup_codes_new(a);
	const char *stored = backup_codes_write(&auth, a, &codes), *rest;

	ck_assert_uint_eq(codes.count, BACKUP_CODES);
	ck_assert_uint_eq(strlen(codes.items[0]), 11);
	ck_assert_int_eq(codes.items[0][5], '-');
	ck_assert_int_eq(
	    backup_codes_use(&auth, a, stored, "", &rest), ERR_NOT_FOUND);
	for (size_t i = 0; i < codes.count; i++) {
		ck_assert_int_eq(
		    backup_codes_use(&auth, a, stored, codes.items[i], &rest),
		    ERR_OK);
		ck_assert_int_eq(
		    backup_codes_use(&auth, a, rest, codes.items[i], &stored),
		    ERR_NOT_FOUND);
		stored = rest;
	}
	ck_assert_int_eq(
	    backup_codes_use(&auth, a, stored, codes.items[0], &rest),
	    ERR_NOT_FOUND);
	ck_assert_int_eq(
	    backup_codes_use(&other, a, stored, "x", &rest), ERR_INTERNAL);
}
END_TEST

/* BetterAuth's option storeBackupCodes: "plain". */
START_TEST(plain_backup_codes_are_read)
{
	const char *rest;

	ck_assert_int_eq(
	    backup_codes_use(&auth, a, "[\"one\",\"two\"]", "one", &rest),
	    ERR_OK);
	ck_assert_str_eq(
	    encrypted_text_read(&auth, a, rest, NULL), "[\"two\"]");
	ck_assert_int_eq(
	    backup_codes_use(&auth, a, "[1]", "1", &rest), ERR_INTERNAL);
	ck_assert_int_eq(
	    backup_codes_use(&auth, a, "[", "1", &rest), ERR_INTERNAL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("two_factor");
	TCase *t = tcase_create("two_factor");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, base32_is_that_of_the_rfc, 0,
	    sizeof(base32) / sizeof(base32[0]));
	tcase_add_test(t, base32_reads_small_letters_and_padding_only);
	tcase_add_loop_test(t, codes_are_those_of_the_rfc, 0,
	    sizeof(rfc6238) / sizeof(rfc6238[0]));
	tcase_add_test(t, a_code_is_good_for_one_step_before_and_after);
	tcase_add_test(t, a_secret_may_be_base32);
	tcase_add_test(t, the_address_is_that_of_betterauth);
	tcase_add_test(t, an_encrypted_text_needs_its_secret);
	tcase_add_test(t, a_backup_code_works_once);
	tcase_add_test(t, plain_backup_codes_are_read);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}

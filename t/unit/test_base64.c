#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/base64.h"

static struct arena *a;

static void
setup(void)
{
	a = arena_new();
}

static void
teardown(void)
{
	arena_free(a);
}

/*
 * The examples of RFC 4648 section 10, and bytes that need the characters for
 * 62 and 63, in which the two alphabets differ.
 */
static const struct {
	const char *data, *standard, *url;
} good[] = {
	{ "", "", "" },
	{ "f", "Zg==", "Zg" },
	{ "fo", "Zm8=", "Zm8" },
	{ "foo", "Zm9v", "Zm9v" },
	{ "foob", "Zm9vYg==", "Zm9vYg" },
	{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
	{ "\xfb\xff\xfe", "+//+", "-__-" },
};

START_TEST(encode_good_then_decode_is_the_same)
{
	size_t data_len = strlen(good[_i].data), len = 99;
	const char *standard = base64_encode(a, good[_i].data, data_len);
	const char *url = base64url_encode(a, good[_i].data, data_len);
	unsigned char *back;

	ck_assert_str_eq(standard, good[_i].standard);
	ck_assert_str_eq(url, good[_i].url);
	ck_assert(base64_decode(a, standard, strlen(standard), &back, &len));
	ck_assert_uint_eq(len, data_len);
	ck_assert_str_eq((char *)back, good[_i].data);
	ck_assert(base64url_decode(a, url, strlen(url), &back, &len));
	ck_assert_uint_eq(len, data_len);
	ck_assert_str_eq((char *)back, good[_i].data);
}
END_TEST

static const char *const bad_standard[] = { "Zg", "Zg=", "Z",
	"Z===", "====", "=", "Zg==Zg==", "Zm8=Zm9v", "Zg==\n", "Zm9v\n", "Zm 9",
	"Z=g=", "Zh==", "Zm9=", "-__-", "Zm9\xc3", "Zm9v====" };

START_TEST(decode_bad_standard_is_refused_and_leaves_results_alone)
{
	const char *text = bad_standard[_i];
	unsigned char *data = NULL;
	size_t len = 99;

	ck_assert_msg(
	    !base64_decode(a, text, strlen(text), &data, &len), "%s", text);
	ck_assert_ptr_null(data);
	ck_assert_uint_eq(len, 99);
}
END_TEST

static const char *const bad_url[] = { "Z", "Zm9vY", "Zg==", "Zm8=", "Zh",
	"Zm9", "+//+", "Zm.v", "Zm9v\n", "=", "Zm\x80v" };

START_TEST(decode_bad_url_is_refused_and_leaves_results_alone)
{
	const char *text = bad_url[_i];
	unsigned char *data = NULL;
	size_t len = 99;

	ck_assert_msg(
	    !base64url_decode(a, text, strlen(text), &data, &len), "%s", text);
	ck_assert_ptr_null(data);
	ck_assert_uint_eq(len, 99);
}
END_TEST

START_TEST(decode_nul_is_refused)
{
	unsigned char *data;
	size_t len;

	ck_assert(!base64_decode(a, "Zm9\0", 4, &data, &len));
	ck_assert(!base64url_decode(a, "Zm9\0", 4, &data, &len));
}
END_TEST

static int
letter_at(const unsigned char *data, int position)
{
	int bits = data[0] << 16 | data[1] << 8 | data[2];

	return bits >> (18 - 6 * position) & 63;
}

/*
 * Decodes every byte at each of the four positions of a group, in both
 * alphabets.
 */
START_TEST(decode_every_byte_as_a_letter)
{
	static const char common[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789";

	for (int c = 1; c < 256; c++) {
		char text[] = "AAAA";
		const char *at = strchr(common, c);
		int value = at != NULL ? (int)(at - common) : -1;
		int in_standard = c == '+' ? 62 : c == '/' ? 63 : value;
		int in_url = c == '-' ? 62 : c == '_' ? 63 : value;
		unsigned char *data;
		size_t len;

		text[_i] = (char)c;
		/*
		 * At the last position "=" is padding, not a character of the
		 * alphabet.
		 */
		if (c != '=' || _i < 3)
			ck_assert_int_eq(base64_decode(a, text, 4, &data, &len),
			    in_standard >= 0);
		if (in_standard >= 0)
			ck_assert_int_eq(letter_at(data, _i), in_standard);
		ck_assert_int_eq(
		    base64url_decode(a, text, 4, &data, &len), in_url >= 0);
		if (in_url >= 0)
			ck_assert_int_eq(letter_at(data, _i), in_url);
	}
}
END_TEST

START_TEST(encode_every_length_then_decode_is_the_same)
{
	unsigned char data[300], *back;
	size_t len;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 151 + 17);
	for (size_t n = 0; n <= sizeof(data); n++) {
		const char *text = base64_encode(a, data, n);

		ck_assert(base64_decode(a, text, strlen(text), &back, &len));
		ck_assert_mem_eq(back, data, n);
		ck_assert_uint_eq(len, n);
		text = base64url_encode(a, data, n);
		ck_assert(base64url_decode(a, text, strlen(text), &back, &len));
		ck_assert_mem_eq(back, data, n);
		ck_assert_uint_eq(len, n);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base64");
	TCase *tc = tcase_create("base64");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, encode_good_then_decode_is_the_same, 0,
	    sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(tc,
	    decode_bad_standard_is_refused_and_leaves_results_alone, 0,
	    sizeof(bad_standard) / sizeof(bad_standard[0]));
	tcase_add_loop_test(tc,
	    decode_bad_url_is_refused_and_leaves_results_alone, 0,
	    sizeof(bad_url) / sizeof(bad_url[0]));
	tcase_add_test(tc, decode_nul_is_refused);
	tcase_add_loop_test(tc, decode_every_byte_as_a_letter, 0, 4);
	tcase_add_test(tc, encode_every_length_then_decode_is_the_same);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

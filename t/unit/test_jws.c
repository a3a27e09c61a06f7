#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/jws.h"

static const char key[] = "0123456789abcdef0123456789abcdef";
enum { KEY_LEN = sizeof(key) - 1 };

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

static const char *
written(const struct json *j)
{
	struct buf b;

	buf_init(&b, a, 1 << 20);
	json_write(&b, j);
	return b.data;
}

/* Returns a token with any header and any claims, correctly signed. */
static const char *
signed_token(const char *header, const char *claims)
{
	unsigned char mac[SHA256_SIZE];
	const char *text = arena_printf(a, "%s.%s",
	    base64url_encode(a, header, strlen(header)),
	    base64url_encode(a, claims, strlen(claims)));

	hmac_sha256(key, KEY_LEN, text, strlen(text), mac);
	return arena_printf(
	    a, "%s.%s", text, base64url_encode(a, mac, sizeof(mac)));
}

/* A token for e-mail verification as BetterAuth makes it. */
START_TEST(sign_is_better_auths)
{
	static const char claims[] =
	    "{\"email\":\"a@example.com\",\"iat\":1893456000,"
	    "\"exp\":1893459600}";
	const char *token = jws_sign(a, key, KEY_LEN, claims, strlen(claims));

	ck_assert_str_eq(token,
	    "eyJhbGciOiJIUzI1NiJ9."
	    "eyJlbWFpbCI6ImFAZXhhbXBsZS5jb20iLCJpYXQiOjE4OTM0NTYwMDAsImV4cCI6"
	    "MTg5MzQ1OTYwMH0."
	    "kxYkqEBqPmsuftHngNJY3px_N4GYnuOJWbJea-d7xig");
	ck_assert_str_eq(written(jws_verify(a, key, KEY_LEN, token)), claims);
}
END_TEST

static const char rfc_token[] =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
static const char rfc_key[] =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0i"
    "PS4hcgUuTwjAzZr1Z9CAow";

/*
 * The example of RFC 7515, appendix A.1: its header has a `typ`, and contains
 * line breaks.
 */
START_TEST(verify_of_rfc_7515)
{
	unsigned char *bytes;
	size_t len;

	ck_assert(base64url_decode(a, rfc_key, strlen(rfc_key), &bytes, &len));
	ck_assert_str_eq(written(jws_verify(a, bytes, len, rfc_token)),
	    "{\"iss\":\"joe\",\"exp\":1300819380,"
	    "\"http://example.com/is_root\":true}");
	bytes[0] ^= 1;
	ck_assert_ptr_null(jws_verify(a, bytes, len, rfc_token));
}
END_TEST

/*
 * Tokens that are correctly signed, but must be refused for their header or
 * their claims.
 */
static const struct {
	const char *header, *claims;
} refused[] = {
	{ "{\"alg\":\"none\"}", "{}" },
	{ "{\"alg\":\"HS512\"}", "{}" },
	{ "{\"alg\":\"hs256\"}", "{}" },
	{ "{\"alg\":[\"HS256\"]}", "{}" },
	{ "{\"alg\":null}", "{}" },
	{ "{}", "{}" },
	{ "[]", "{}" },
	{ "\"HS256\"", "{}" },
	{ "", "{}" },
	{ "{\"alg\":\"HS256\"", "{}" },
	{ "{\"alg\":\"HS256\"} x", "{}" },
	{ "{\"alg\":\"none\",\"alg\":\"HS256\"}", "{}" },
	{ "{\"alg\":\"HS256\",\"alg\":\"none\"}", "{}" },
	{ "{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}", "{}" },
	{ "{\"alg\":\"HS256\",\"crit\":null}", "{}" },
	{ "{\"alg\":\"HS256\"}", "" },
	{ "{\"alg\":\"HS256\"}", "[]" },
	{ "{\"alg\":\"HS256\"}", "null" },
	{ "{\"alg\":\"HS256\"}", "{\"sub\":\"a\",\"sub\":\"b\"}" },
	{ "{\"alg\":\"HS256\"}", "{\"sub\":\"\xff\"}" },
};

START_TEST(verify_signed_but_wrong_is_refused)
{
	ck_assert_ptr_null(jws_verify(a, key, KEY_LEN,
	    signed_token(refused[_i].header, refused[_i].claims)));
}
END_TEST

START_TEST(verify_other_headers_is_accepted)
{
	ck_assert_ptr_nonnull(jws_verify(a, key, KEY_LEN,
	    signed_token("{\"kid\":\"1\", \"alg\":\"HS256\"}", "{}")));
}
END_TEST

#define SIGNED "eyJhbGciOiJIUzI1NiJ9.e30"
static const char *const malformed[] = { "", ".", "..", "...", SIGNED,
	SIGNED ".", SIGNED "..",
	SIGNED ".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"eyJhbGciOiJub25lIn0.e30.", "e30" };

START_TEST(verify_malformed_is_refused)
{
	ck_assert_ptr_null(jws_verify(a, key, KEY_LEN, malformed[_i]));
}
END_TEST

/* A token in which any byte was changed, removed or doubled is refused. */
START_TEST(verify_each_byte_counts)
{
	const char *token = jws_sign(a, key, KEY_LEN, "{\"sub\":\"u1\"}", 12);
	size_t len = strlen(token);

	ck_assert_ptr_nonnull(jws_verify(a, key, KEY_LEN, token));
	for (size_t i = 0; i < len; i++) {
		char *bad = arena_strdup(a, token);

		for (int bit = 0; bit < 7; bit++) {
			bad[i] = (char)(token[i] ^ 1 << bit);
			ck_assert_ptr_null(jws_verify(a, key, KEY_LEN, bad));
		}
		bad[i] = token[i];
		memmove(bad + i, bad + i + 1, len - i);
		ck_assert_ptr_null(jws_verify(a, key, KEY_LEN, bad));
		bad = arena_printf(a, "%.*s%s", (int)i + 1, token, token + i);
		ck_assert_ptr_null(jws_verify(a, key, KEY_LEN, bad));
	}
	for (const char *tail = "=.\n A"; *tail != '\0'; tail++)
		ck_assert_ptr_null(jws_verify(
		    a, key, KEY_LEN, arena_printf(a, "%s%c", token, *tail)));
}
END_TEST

START_TEST(verify_with_another_key_is_refused)
{
	const char *token = jws_sign(a, key, KEY_LEN, "{}", 2);

	ck_assert_ptr_null(jws_verify(a, key, KEY_LEN - 1, token));
	ck_assert_ptr_null(jws_verify(a, "x", 1, token));
}
END_TEST

START_TEST(verify_length_is_limited)
{
	char claims[JWS_TOKEN_MAX];
	size_t longest = 0;

	for (size_t n = 10; n < 6200; n += 31) {
		const char *token;
		int len = snprintf(
		    claims, sizeof(claims), "{\"x\":\"%0*d\"}", (int)n, 0);

		token = jws_sign(a, key, KEY_LEN, claims, (size_t)len);
		ck_assert_int_eq(jws_verify(a, key, KEY_LEN, token) != NULL,
		    strlen(token) <= JWS_TOKEN_MAX);
		if (strlen(token) <= JWS_TOKEN_MAX)
			longest = strlen(token);
	}
	ck_assert_uint_gt(longest, JWS_TOKEN_MAX - 50);
}
END_TEST

START_TEST(verify_without_a_key_aborts)
{
	const struct json *j = jws_verify(a, "", 0, rfc_token);

	ck_assert_ptr_null(j);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("jws");
	TCase *tc = tcase_create("jws");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, sign_is_better_auths);
	tcase_add_test(tc, verify_of_rfc_7515);
	tcase_add_loop_test(tc, verify_signed_but_wrong_is_refused, 0,
	    sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(tc, verify_other_headers_is_accepted);
	tcase_add_loop_test(tc, verify_malformed_is_refused, 0,
	    sizeof(malformed) / sizeof(malformed[0]));
	tcase_add_test(tc, verify_each_byte_counts);
	tcase_add_test(tc, verify_with_another_key_is_refused);
	tcase_add_test(tc, verify_length_is_limited);
	tcase_add_test_raise_signal(tc, verify_without_a_key_aborts, SIGABRT);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

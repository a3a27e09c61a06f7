#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"

static void
write_hex(const unsigned char *bytes, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++, out += 2) {
		out[0] = "0123456789abcdef"[bytes[i] >> 4];
		out[1] = "0123456789abcdef"[bytes[i] & 15];
	}
	*out = '\0';
}

/* clang-format off */
/* Test vectors of SHA-256 (FIPS 180-2, appendix B), and the empty text. */
static const struct {
	const char *text, *hex;
} hashes[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc",
	  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

/*
 * Test vectors of HMAC-SHA-256 (RFC 4231, cases 1 to 4, 6 and 7; case 5 is
 * about truncation).  Bytes that repeat are given as a number.
 */
static const struct {
	const char *key;
	size_t key_times; /* the key is key[0], repeated so many times; 0: the key is the string */
	const char *data;
	size_t data_times;
	const char *hex;
} macs[] = {
	{ "\x0b", 20, "Hi There", 0,
	  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ "Jefe", 0, "what do ya want for nothing?", 0,
	  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ "\xaa", 20, "\xdd", 50,
	  "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
	{ "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
	  "\x11\x12\x13\x14\x15\x16\x17\x18\x19", 0, "\xcd", 50,
	  "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
	{ "\xaa", 131,
	  "Test Using Larger Than Block-Size Key - Hash Key First", 0,
	  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	{ "\xaa", 131,
	  "This is a test using a larger than block-size key and a larger "
	  "than block-size data. The key needs to be hashed before being "
	  "used by the HMAC algorithm.", 0,
	  "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
};
/* clang-format on */

START_TEST(sha256_of_vectors)
{
	char hex[SHA256_HEX_SIZE];

	sha256_hex(hashes[_i].text, strlen(hashes[_i].text), hex);
	ck_assert_str_eq(hex, hashes[_i].hex);
}
END_TEST

static size_t
expand(const char *text, size_t times, char *out)
{
	if (times == 0) {
		memcpy(out, text, strlen(text));
		return strlen(text);
	}
	memset(out, text[0], times);
	return times;
}

START_TEST(hmac_of_rfc_4231)
{
	char key[200], data[200], hex[SHA256_HEX_SIZE];
	unsigned char mac[SHA256_SIZE];
	size_t key_len = expand(macs[_i].key, macs[_i].key_times, key);
	size_t len = expand(macs[_i].data, macs[_i].data_times, data);

	hmac_sha256(key, key_len, data, len, mac);
	write_hex(mac, sizeof(mac), hex);
	ck_assert_str_eq(hex, macs[_i].hex);
}
END_TEST

START_TEST(hmac_with_an_empty_key_does_not_reuse_the_last)
{
	char hex[SHA256_HEX_SIZE];
	unsigned char mac[SHA256_SIZE];

	hmac_sha256("key", 3, "x", 1, mac);
	hmac_sha256(NULL, 0, "", 0, mac);
	write_hex(mac, sizeof(mac), hex);
	ck_assert_str_eq(hex,
	    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}
END_TEST

static void
mac_of_key(size_t i, unsigned char mac[SHA256_SIZE])
{
	unsigned char key[200];

	/*
	 * Pairs of texts of the same length that differ only in their last
	 * byte.
	 */
	memset(key, 'k', sizeof(key));
	key[i / 2] = (unsigned char)('a' + i % 2);
	hmac_sha256(key, i / 2 + 1, "x", 1, mac);
}

/*
 * hmac_sha256() caches prepared keys.  This test uses more keys than the cache
 * holds, among them keys that are too long for it.
 */
START_TEST(hmac_with_keys_in_turn_is_that_of_each_key)
{
	enum { KEYS = 400 };
	unsigned char first[KEYS][SHA256_SIZE], mac[SHA256_SIZE];

	for (size_t i = 0; i < KEYS; i++)
		mac_of_key(i, first[i]);
	for (size_t i = 1; i < KEYS; i++)
		ck_assert_mem_ne(first[i - 1], first[i], SHA256_SIZE);
	for (size_t i = 0; i < 3 * (size_t)KEYS; i++) {
		size_t turn[] = { i * 7 % KEYS, i * 7 % KEYS, i % 3 };

		for (size_t j = 0; j < 3; j++) {
			mac_of_key(turn[j], mac);
			ck_assert_mem_eq(mac, first[turn[j]], sizeof(mac));
		}
	}
}
END_TEST

/* The signatures of BetterAuth's cookies. */
static const struct {
	const char *value, *mac;
} cookies[] = {
	{ "abcdefghijklmnopqrstuvwxyzABCDEF",
	    "M2ywRDp5rcBzPkujXjncHeiPyZUNaplgYBDEjlr95jQ=" },
	{ "true", "LrxJKa3x2eCRjNwwnr9kuw9J8F5SAHRXP10QjfJxfd0=" },
};

START_TEST(hmac_of_better_auth_cookies)
{
	static const char secret[] = "0123456789abcdef0123456789abcdef";
	struct arena *a = arena_new();
	unsigned char mac[SHA256_SIZE];

	hmac_sha256(secret, strlen(secret), cookies[_i].value,
	    strlen(cookies[_i].value), mac);
	ck_assert_str_eq(base64_encode(a, mac, sizeof(mac)), cookies[_i].mac);
	arena_free(a);
}
END_TEST

/* HKDF (RFC 5869 A.3) with no salt and no info: the first 32 bytes. */
START_TEST(hkdf_of_rfc_5869)
{
	unsigned char key[22], out[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];

	memset(key, 0x0b, sizeof(key));
	hkdf_sha256(key, sizeof(key), "", out);
	write_hex(out, sizeof(out), hex);
	ck_assert_str_eq(hex,
	    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}
END_TEST

START_TEST(hkdf_with_another_info_gives_another_key)
{
	unsigned char one[SHA256_SIZE], two[SHA256_SIZE];

	hkdf_sha256("secret", 6, "kedge identity core", one);
	hkdf_sha256("secret", 6, "kedge identity wallet", two);
	ck_assert(!digest_equal(one, two, sizeof(one)));
}
END_TEST

START_TEST(equal_compares_each_byte)
{
	char one[32] = "0123456789abcdef0123456789abcde", two[32];

	for (size_t i = 0; i < sizeof(one); i++) {
		memcpy(two, one, sizeof(one));
		ck_assert(digest_equal(one, two, sizeof(one)));
		two[i] ^= 1;
		ck_assert(!digest_equal(one, two, sizeof(one)));
	}
	ck_assert(digest_equal(one, two, 0));
}
END_TEST

static bool
works(void)
{
	char hex[SHA256_HEX_SIZE];
	unsigned char mac[SHA256_SIZE];

	for (int i = 0; i < 1000; i++) {
		sha256_hex("abc", 3, hex);
		if (strcmp(hex, hashes[1].hex) != 0)
			return false;
		hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac);
		write_hex(mac, sizeof(mac), hex);
		if (strcmp(hex, macs[1].hex) != 0)
			return false;
	}
	return true;
}

static void *
work(void *arg)
{
	*(bool *)arg = works();
	return NULL;
}

START_TEST(digests_in_threads_and_forks_agree)
{
	enum { THREADS = 8 };
	pthread_t threads[THREADS];
	bool good[THREADS] = { false };
	int status;
	pid_t pid;

	digest_warm_up();
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, &good[i]);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		ck_assert(good[i]);
	}
	pid = fork();
	if (pid == 0)
		_exit(works() ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("digest");
	TCase *tc = tcase_create("digest");

	tcase_add_loop_test(
	    tc, sha256_of_vectors, 0, sizeof(hashes) / sizeof(hashes[0]));
	tcase_add_loop_test(
	    tc, hmac_of_rfc_4231, 0, sizeof(macs) / sizeof(macs[0]));
	tcase_add_test(tc, hmac_with_an_empty_key_does_not_reuse_the_last);
	tcase_add_test(tc, hmac_with_keys_in_turn_is_that_of_each_key);
	tcase_add_loop_test(tc, hmac_of_better_auth_cookies, 0,
	    sizeof(cookies) / sizeof(cookies[0]));
	tcase_add_test(tc, hkdf_of_rfc_5869);
	tcase_add_test(tc, hkdf_with_another_info_gives_another_key);
	tcase_add_test(tc, equal_compares_each_byte);
	tcase_add_test(tc, digests_in_threads_and_forks_agree);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}

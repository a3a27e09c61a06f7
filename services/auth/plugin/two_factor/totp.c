#include "auth/plugin/two_factor/totp.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/base32.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/random.h"
#include "base/str.h"
#include "web/query.h"

enum { COUNTER_BYTES = 8, URI_MAX_BYTES = 4096 };

static const char base32_prefix[] = "base32:";

struct key {
	const unsigned char *bytes;
	size_t len;
};

const char *
totp_new_secret(struct arena *a)
{
	char *secret = arena_alloc(a, TOTP_SECRET_LEN + 1);

	random_alnum(secret, TOTP_SECRET_LEN);
	return secret;
}

static bool
key_of(struct arena *a, const char *secret, struct key *ret)
{
	unsigned char *bytes;

	if (strncmp(secret, base32_prefix, sizeof(base32_prefix) - 1) != 0) {
		*ret = (struct key){ (const unsigned char *)secret,
			strlen(secret) };
		return true;
	}
	if (!base32_decode(
		a, secret + sizeof(base32_prefix) - 1, &bytes, &ret->len) ||
	    ret->len == 0)
		return false;
	ret->bytes = bytes;
	return true;
}

/* RFC 4226 section 5.3: the HMAC, truncated to a number of some digits. */
static void
write_code(const struct key *key, int64_t digits, int64_t step,
    char ret_code[TOTP_DIGITS_MAX + 1])
{
	unsigned char counter[COUNTER_BYTES], mac[SHA1_SIZE];
	uint32_t number, modulus = 1;
	int offset;

	for (int i = 0; i < COUNTER_BYTES; i++)
		counter[i] = (unsigned char)((uint64_t)step >>
					     (8 * (COUNTER_BYTES - 1 - i)));
	hmac_sha1(key->bytes, key->len, counter, sizeof(counter), mac);
	offset = mac[SHA1_SIZE - 1] & 0xf;
	number = (uint32_t)(mac[offset] & 0x7f) << 24 |
	         (uint32_t)mac[offset + 1] << 16 |
	         (uint32_t)mac[offset + 2] << 8 | mac[offset + 3];
	for (int64_t i = 0; i < digits; i++)
		modulus *= 10;
	snprintf(ret_code, TOTP_DIGITS_MAX + 1, "%0*" PRIu32, (int)digits,
	    number % modulus);
}

bool
totp_code(struct arena *a, const struct totp *t, int64_t step,
    char ret_code[TOTP_DIGITS_MAX + 1])
{
	struct key key;

	if (!key_of(a, t->secret, &key))
		return false;
	write_code(&key, t->digits, step, ret_code);
	return true;
}

int64_t
totp_find_step(
    struct arena *a, const struct totp *t, const char *code, int64_t now_s)
{
	int64_t found = -1, now = now_s / t->period_s;
	char right[TOTP_DIGITS_MAX + 1];
	struct key key;

	if (!key_of(a, t->secret, &key) || strlen(code) != (size_t)t->digits)
		return -1;
	for (int64_t step = now - 1; step <= now + 1; step++) {
		write_code(&key, t->digits, step, right);
		if (digest_equal(right, code, (size_t)t->digits))
			found = step;
	}
	return found;
}

/*
 * application/x-www-form-urlencoded: what percent_encode() leaves and forms do
 * not, and a space as +.
 */
static const char *
form_encode(struct arena *a, const char *text)
{
	const char *encoded = percent_encode(a, text);
	struct buf b;

	buf_init(&b, a, URI_MAX_BYTES);
	for (const char *p = encoded; *p != '\0'; p++) {
		if (strncmp(p, "%20", 3) == 0) {
			buf_putc(&b, '+');
			p += 2;
		} else if (strchr("!~'()", *p) != NULL) {
			buf_printf(&b, "%%%02X", (unsigned char)*p);
		} else {
			buf_putc(&b, *p);
		}
	}
	return buf_failed(&b) ? "" : b.data;
}

const char *
totp_uri(struct arena *a, const struct totp *t, const char *issuer,
    const char *account)
{
	struct key key;

	if (!key_of(a, t->secret, &key))
		return NULL;
	return arena_printf(a,
	    "otpauth://totp/%s:%s?secret=%s&issuer=%s&digits=%" PRId64
	    "&period=%" PRId64,
	    percent_encode(a, issuer), percent_encode(a, account),
	    base32_encode(a, key.bytes, key.len), form_encode(a, issuer),
	    t->digits, t->period_s);
}

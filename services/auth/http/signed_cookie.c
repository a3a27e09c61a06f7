#include "auth/http/signed_cookie.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/str.h"
#include "web/cookie.h"
#include "web/query.h"

enum { MAC_TEXT_LEN = 44, VALUE_MAX_BYTES = 1024 };

static const char *
mac_of(struct arena *a, const char *secret, size_t secret_len,
    const char *value, size_t value_len)
{
	unsigned char mac[SHA256_SIZE];

	hmac_sha256(secret, secret_len, value, value_len, mac);
	return base64_encode(a, mac, sizeof(mac));
}

const char *
signed_value(
    struct arena *a, const char *secret, size_t secret_len, const char *value)
{
	const char *mac = mac_of(a, secret, secret_len, value, strlen(value));

	return arena_printf(a, "%s.%s", value, mac);
}

const char *
signed_cookie_write(
    struct arena *a, const char *secret, size_t secret_len, const char *value)
{
	return percent_encode(a, signed_value(a, secret, secret_len, value));
}

const char *
signed_value_read(
    struct arena *a, const char *secret, size_t secret_len, const char *raw)
{
	const char *text, *dot, *mac;
	size_t len;

	if (strlen(raw) > VALUE_MAX_BYTES)
		return NULL;
	/* Browsers send it back encoded, some clients decode it first. */
	text = strchr(raw, '%') == NULL
	           ? raw
	           : percent_decode(a, raw, strlen(raw), /* plus= */ false);
	dot = text != NULL ? strrchr(text, '.') : NULL;
	if (dot == NULL || dot == text || strlen(dot + 1) != MAC_TEXT_LEN)
		return NULL;
	len = (size_t)(dot - text);
	mac = mac_of(a, secret, secret_len, text, len);
	if (!digest_equal(mac, dot + 1, MAC_TEXT_LEN))
		return NULL;
	return arena_strndup(a, text, len);
}

const char *
signed_value_read_either(
    struct arena *a, const struct signed_cookie_key *key, const char *raw)
{
	const char *value =
	    signed_value_read(a, key->secret, key->secret_len, raw);

	if (value == NULL && key->previous != NULL)
		value =
		    signed_value_read(a, key->previous, key->previous_len, raw);
	return value;
}

static bool
has(const char *const *values, size_t n, const char *value)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(values[i], value))
			return true;
	}
	return false;
}

size_t
signed_cookie_find_all(struct arena *a, const struct signed_cookie_key *key,
    const char *header, const char **ret_values, size_t max)
{
	size_t n = 0;

	for (int i = 0; i < SIGNED_COOKIES_MAX && n < max; i++) {
		const char *raw = cookie_next(a, &header, key->name);
		const char *value;

		if (raw == NULL)
			break;
		value = signed_value_read_either(a, key, raw);
		if (value != NULL && !has(ret_values, n, value))
			ret_values[n++] = value;
	}
	return n;
}

#include "auth/cookie/signed_cookie.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "http/cookie.h"
#include "http/query.h"

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
signed_cookie_write(
    struct arena *a, const char *secret, size_t secret_len, const char *value)
{
	const char *mac = mac_of(a, secret, secret_len, value, strlen(value));

	return percent_encode(a, arena_printf(a, "%s.%s", value, mac));
}

const char *
signed_cookie_find(struct arena *a, const char *secret, size_t secret_len,
    const char *header, const char *name)
{
	const char *raw = cookie_find(a, header, name);
	const char *text, *dot, *mac;
	size_t len;

	if (raw == NULL || strlen(raw) > VALUE_MAX_BYTES)
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

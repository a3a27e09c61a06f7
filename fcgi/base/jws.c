#include "base/jws.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/str.h"

/* {"alg":"HS256"} in base64url, and the dot behind it. */
static const char header_text[] = "eyJhbGciOiJIUzI1NiJ9.";
enum { HEADER_LEN = sizeof(header_text) - 1 };
/*
 * The most that the header, the dots, the signature and the rounding of base64
 * add to the length of a token.
 */
enum { TOKEN_OVERHEAD = 128 };

const char *
jws_sign(struct arena *a, const void *key, size_t key_len,
    const char *claims_json, size_t claims_len)
{
	unsigned char mac[SHA256_SIZE];
	struct buf token;

	assert(key_len > 0);
	/* The signature covers what has been written of the token so far. */
	buf_init(&token, a, claims_len * 2 + TOKEN_OVERHEAD);
	buf_put(&token, header_text, HEADER_LEN);
	buf_puts(&token, base64url_encode(a, claims_json, claims_len));
	hmac_sha256(key, key_len, token.data, token.len, mac);
	buf_putc(&token, '.');
	buf_puts(&token, base64url_encode(a, mac, sizeof(mac)));
	assert(!buf_failed(&token));
	return token.data;
}

static bool
signature_fits(struct arena *a, const void *key, size_t key_len,
    const char *token, const char *dot)
{
	unsigned char mac[SHA256_SIZE], *signature;
	size_t signature_len;

	if (!base64url_decode(
		a, dot + 1, strlen(dot + 1), &signature, &signature_len) ||
	    signature_len != sizeof(mac))
		return false;
	hmac_sha256(key, key_len, token, (size_t)(dot - token), mac);
	return digest_equal(mac, signature, sizeof(mac));
}

static const char *
text_read(struct arena *a, const char *part, size_t len, size_t *ret_len)
{
	unsigned char *text;

	return base64url_decode(a, part, len, &text, ret_len)
	           ? (const char *)text
	           : NULL;
}

static const struct json *
object_read(struct arena *a, const char *text, size_t len)
{
	const char *problem;
	const struct json *j;

	if (text == NULL)
		return NULL;
	j = json_read(a, text, len, &problem);
	return j != NULL && json_kind(j) == JSON_KIND_OBJECT ? j : NULL;
}

/*
 * RFC 7515 section 4.1.11: a token whose header has a `crit` member that the
 * reader does not understand must be refused.
 */
static bool
header_fits(struct arena *a, const char *part, size_t len)
{
	const struct json *header;
	const char *text;
	size_t text_len = 0;

	if (len == HEADER_LEN - 1 && memcmp(part, header_text, len) == 0)
		return true;
	text = text_read(a, part, len, &text_len);
	header = object_read(a, text, text_len);
	return header != NULL && json_member(header, "crit") == NULL &&
	       str_eq(json_member_string(header, "alg"), "HS256");
}

const char *
jws_verify_text(struct arena *a, const void *key, size_t key_len,
    const char *token, size_t *ret_len)
{
	size_t len = strnlen(token, JWS_TOKEN_MAX + 1);
	const char *claims, *dot;

	assert(key_len > 0); /* with an unset key, anybody could sign */
	if (len > JWS_TOKEN_MAX)
		return NULL;
	claims = strchr(token, '.');
	if (claims == NULL)
		return NULL;
	claims++;
	dot = strchr(claims, '.');
	if (dot == NULL)
		return NULL;

	/*
	 * Check the signature first, so that JSON from an unknown sender is
	 * never parsed.  A third dot is refused, because a dot is not a
	 * base64url letter.
	 */
	if (!signature_fits(a, key, key_len, token, dot) ||
	    !header_fits(a, token, (size_t)(claims - 1 - token)))
		return NULL;
	return text_read(a, claims, (size_t)(dot - claims), ret_len);
}

const struct json *
jws_verify(struct arena *a, const void *key, size_t key_len, const char *token)
{
	size_t len = 0;
	const char *text = jws_verify_text(a, key, key_len, token, &len);

	return object_read(a, text, len);
}

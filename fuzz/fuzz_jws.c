/*
 * fuzz_jws: the input itself is never accepted as a token.  Then the first line
 * of the input is signed as a token's header, with the rest as its claims.
 * That token is accepted if and only if both are JSON objects, and the header
 * has the algorithm HS256 and no critical extension.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/jws.h"
#include "base/str.h"

static const char key[] = "only the harness knows this key";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct json *
object(struct arena *a, const char *text, size_t len)
{
	const char *problem;
	const struct json *j = json_read(a, text, len, &problem);

	return j && json_kind(j) == JSON_KIND_OBJECT ? j : NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	const char *text = arena_strndup(a, (char *)data, len), *token;
	const char *end = memchr(text, '\n', len);
	size_t head_len = end ? (size_t)(end - text) : len;
	size_t rest_len = end ? len - head_len - 1 : 0;
	const struct json *h = object(a, text, head_len);
	unsigned char mac[SHA256_SIZE];
	bool good;

	assert(jws_verify(a, key, sizeof(key), text) == NULL);

	end = text + len - rest_len;
	good = h && !json_member(h, "crit") && object(a, end, rest_len) &&
	       str_eq(json_member_string(h, "alg"), "HS256");
	token = arena_printf(a, "%s.%s", base64url_encode(a, text, head_len),
	    base64url_encode(a, end, rest_len));
	hmac_sha256(key, sizeof(key), token, strlen(token), mac);
	token = arena_printf(a, "%s.%s", token, base64url_encode(a, mac, 32));
	good = good && strlen(token) <= JWS_TOKEN_MAX;
	assert((jws_verify(a, key, sizeof(key), token) != NULL) == good);
	arena_free(a);
	return 0;
}

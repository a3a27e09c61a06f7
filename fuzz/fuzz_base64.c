/*
 * fuzz_base64: any bytes are unchanged after encoding and decoding.  A text
 * that can be decoded is the only encoding of its bytes.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	const char *text = (const char *)data, *again;
	unsigned char *out;
	size_t out_len;

	if (base64_decode(a, text, len, &out, &out_len)) {
		again = base64_encode(a, out, out_len);
		assert(out[out_len] == 0 && strlen(again) == len);
		assert(len == 0 || memcmp(again, text, len) == 0);
	}
	if (base64url_decode(a, text, len, &out, &out_len)) {
		again = base64url_encode(a, out, out_len);
		assert(out[out_len] == 0 && strlen(again) == len);
		assert(len == 0 || memcmp(again, text, len) == 0);
	}
	again = base64_encode(a, data, len);
	assert(base64_decode(a, again, strlen(again), &out, &out_len));
	assert(out_len == len && (len == 0 || memcmp(out, data, len) == 0));
	again = base64url_encode(a, data, len);
	assert(base64url_decode(a, again, strlen(again), &out, &out_len));
	assert(out_len == len && (len == 0 || memcmp(out, data, len) == 0));
	arena_free(a);
	return 0;
}

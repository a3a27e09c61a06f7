#include "base/base32.h"

#include <stdint.h>
#include <string.h>

#include "base/arena.h"

enum { BITS = 5, MASK = (1 << BITS) - 1 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

char *
base32_encode(struct arena *a, const void *data, size_t len)
{
	const unsigned char *bytes = data;
	char *text = arena_alloc(a, (len * 8 + BITS - 1) / BITS + 1);
	char *at = text;
	uint32_t held = 0;
	int bits = 0;

	for (size_t i = 0; i < len; i++) {
		held = (held << 8) | bytes[i];
		bits += 8;
		while (bits >= BITS) {
			bits -= BITS;
			*at++ = alphabet[(held >> bits) & MASK];
		}
	}
	if (bits > 0)
		*at++ = alphabet[(held << (BITS - bits)) & MASK];
	*at = '\0';
	return text;
}

static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

bool
base32_decode(struct arena *a, const char *text, unsigned char **ret_data,
    size_t *ret_len)
{
	size_t len = strlen(text), n = 0;
	unsigned char *data = arena_alloc(a, len * BITS / 8 + 1);
	uint32_t held = 0;
	int bits = 0;

	while (len > 0 && text[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		int value = value_of(text[i]);

		if (value < 0)
			return false;
		held = (held << BITS) | (uint32_t)value;
		bits += BITS;
		if (bits >= 8) {
			bits -= 8;
			data[n++] = (unsigned char)(held >> bits);
		}
	}
	*ret_data = data;
	*ret_len = n;
	return true;
}

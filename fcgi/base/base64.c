#include "base/base64.h"

#include <assert.h>
#include <stdint.h>

#include "base/arena.h"

/*
 * Flags of an entry of values[]: the alphabets that contain the character.  The
 * other bits are the character's value.
 */
enum { STANDARD = 0x40, URL = 0x80, VALUE_MASK = 0x3f };

static const char standard_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";
static const char url_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz"
				  "0123456789-_";

/* clang-format off */
#define BOTH(n) (STANDARD | URL | (n))
static const uint8_t values[256] = {
	['A'] = BOTH(0),  ['B'] = BOTH(1),  ['C'] = BOTH(2),  ['D'] = BOTH(3),
	['E'] = BOTH(4),  ['F'] = BOTH(5),  ['G'] = BOTH(6),  ['H'] = BOTH(7),
	['I'] = BOTH(8),  ['J'] = BOTH(9),  ['K'] = BOTH(10), ['L'] = BOTH(11),
	['M'] = BOTH(12), ['N'] = BOTH(13), ['O'] = BOTH(14), ['P'] = BOTH(15),
	['Q'] = BOTH(16), ['R'] = BOTH(17), ['S'] = BOTH(18), ['T'] = BOTH(19),
	['U'] = BOTH(20), ['V'] = BOTH(21), ['W'] = BOTH(22), ['X'] = BOTH(23),
	['Y'] = BOTH(24), ['Z'] = BOTH(25), ['a'] = BOTH(26), ['b'] = BOTH(27),
	['c'] = BOTH(28), ['d'] = BOTH(29), ['e'] = BOTH(30), ['f'] = BOTH(31),
	['g'] = BOTH(32), ['h'] = BOTH(33), ['i'] = BOTH(34), ['j'] = BOTH(35),
	['k'] = BOTH(36), ['l'] = BOTH(37), ['m'] = BOTH(38), ['n'] = BOTH(39),
	['o'] = BOTH(40), ['p'] = BOTH(41), ['q'] = BOTH(42), ['r'] = BOTH(43),
	['s'] = BOTH(44), ['t'] = BOTH(45), ['u'] = BOTH(46), ['v'] = BOTH(47),
	['w'] = BOTH(48), ['x'] = BOTH(49), ['y'] = BOTH(50), ['z'] = BOTH(51),
	['0'] = BOTH(52), ['1'] = BOTH(53), ['2'] = BOTH(54), ['3'] = BOTH(55),
	['4'] = BOTH(56), ['5'] = BOTH(57), ['6'] = BOTH(58), ['7'] = BOTH(59),
	['8'] = BOTH(60), ['9'] = BOTH(61),
	['+'] = STANDARD | 62, ['/'] = STANDARD | 63,
	['-'] = URL | 62,      ['_'] = URL | 63,
};
/* clang-format on */

/* Writes the base64 text of `in`, without padding, and returns its end. */
static char *
encode(char *out, const char *letters, const unsigned char *in, size_t len)
{
	for (; len >= 3; in += 3, len -= 3) {
		*out++ = letters[in[0] >> 2];
		*out++ = letters[(in[0] & 3) << 4 | in[1] >> 4];
		*out++ = letters[(in[1] & 15) << 2 | in[2] >> 6];
		*out++ = letters[in[2] & 63];
	}
	if (len == 0)
		return out;
	*out++ = letters[in[0] >> 2];
	if (len == 1) {
		*out++ = letters[(in[0] & 3) << 4];
		return out;
	}
	*out++ = letters[(in[0] & 3) << 4 | in[1] >> 4];
	*out++ = letters[(in[1] & 15) << 2];
	return out;
}

static char *
text_new(struct arena *a, size_t len)
{
	assert(len < SIZE_MAX / 4);
	return arena_alloc(a, (len + 2) / 3 * 4 + 1);
}

char *
base64_encode(struct arena *a, const void *data, size_t len)
{
	char *text = text_new(a, len);
	char *end = encode(text, standard_letters, data, len);

	while ((end - text) % 4 != 0)
		*end++ = '=';
	return text;
}

char *
base64url_encode(struct arena *a, const void *data, size_t len)
{
	char *text = text_new(a, len);

	encode(text, url_letters, data, len);
	return text;
}

/*
 * Decodes base64 text without padding.  A last group of one letter is invalid.
 * A last group of two letters has four unused bits, one of three letters has
 * two; they must be zero.
 */
static bool
decode(struct arena *a, uint8_t alphabet, const char *text, size_t len,
    unsigned char **ret_data, size_t *ret_len)
{
	const unsigned char *in = (const unsigned char *)text;
	unsigned char *data, *out;
	uint32_t bits = 0;
	uint8_t in_all = alphabet;
	size_t rest = len % 4;

	if (rest == 1)
		return false;
	data = out = arena_alloc(a, len / 4 * 3 + 3);
	for (const unsigned char *end = in + len - rest; in < end; in += 4) {
		uint8_t v0 = values[in[0]], v1 = values[in[1]];
		uint8_t v2 = values[in[2]], v3 = values[in[3]];

		in_all &= v0 & v1 & v2 & v3;
		*out++ = (unsigned char)(v0 << 2 | (v1 & VALUE_MASK) >> 4);
		*out++ = (unsigned char)(v1 << 4 | (v2 & VALUE_MASK) >> 2);
		*out++ = (unsigned char)(v2 << 6 | (v3 & VALUE_MASK));
	}
	for (size_t i = 0; i < rest; i++) {
		uint8_t value = values[in[i]];

		in_all &= value;
		bits = bits << 6 | (value & VALUE_MASK);
	}
	if (in_all == 0 || (rest == 2 && (bits & 15) != 0) ||
	    (rest == 3 && (bits & 3) != 0))
		return false;
	if (rest == 2) {
		*out++ = (unsigned char)(bits >> 4);
	} else if (rest == 3) {
		*out++ = (unsigned char)(bits >> 10);
		*out++ = (unsigned char)(bits >> 2);
	}
	*ret_data = data;
	*ret_len = (size_t)(out - data);
	return true;
}

bool
base64_decode(struct arena *a, const char *text, size_t len,
    unsigned char **ret_data, size_t *ret_len)
{
	if (len % 4 != 0)
		return false;
	/*
	 * Skip one or two "=" at the end; decode() refuses a "=" anywhere else.
	 */
	for (int i = 0; i < 2 && len > 0 && text[len - 1] == '='; i++)
		len--;
	return decode(a, STANDARD, text, len, ret_data, ret_len);
}

bool
base64url_decode(struct arena *a, const char *text, size_t len,
    unsigned char **ret_data, size_t *ret_len)
{
	return decode(a, URL, text, len, ret_data, ret_len);
}

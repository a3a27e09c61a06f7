#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/*
 * Unicode standard, table 3-7: the allowed range of the second byte depends on
 * the first byte; every further byte is 80 to BF.
 */
size_t
utf8_sequence(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t need;

	if (len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4) /* overlong, or above U+10FFFF */
		return 0;
	need = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0; /* below: overlong */
	else if (p[0] == 0xed)
		high = 0x9f; /* above: surrogates */
	else if (p[0] == 0xf0)
		low = 0x90; /* below: overlong */
	else if (p[0] == 0xf4)
		high = 0x8f; /* above: over U+10FFFF */
	if (len < need || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return need;
}

/*
 * Returns whether all eight bytes are in the range 1 to 0x7f.  If they are, no
 * byte borrows from the next one when 1 is subtracted from each.
 */
static bool
is_plain_word(const char *s)
{
	const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
	uint64_t word;

	memcpy(&word, s, sizeof(word));
	return (word & highs) == 0 && ((word - ones) & highs) == 0;
}

bool
utf8_valid(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t n;

		if (len - i >= 8 && is_plain_word(s + i)) {
			i += 8;
			continue;
		}
		n = utf8_sequence(s + i, len - i);
		if (n == 0 || s[i] == '\0')
			return false;
		i += n;
	}
	return true;
}

size_t
utf8_length(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

size_t
utf8_utf16_length(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		/*
		 * In UTF-16 a code point above U+FFFF takes two units (a
		 * surrogate pair).
		 */
		n += (c & 0xc0) != 0x80;
		n += c >= 0xf0;
	}
	return n;
}

void
utf8_scrub(char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_sequence(s + i, len - i);

		if (n == 0)
			s[i] = '?';
		i += n > 0 ? n : 1;
	}
}

/*
 * If the limit is inside a sequence, go back to the first byte of that
 * sequence.
 */
size_t
utf8_cut(const char *s, size_t len, size_t max_bytes)
{
	size_t cut = max_bytes;

	if (len <= max_bytes)
		return len;
	while (cut > 0 && cut + 3 > max_bytes && (s[cut] & 0xc0) == 0x80)
		cut--;
	return cut;
}

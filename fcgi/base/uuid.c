#include "base/uuid.h"

#include <ctype.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/random.h"

enum { UUID_BYTES = 16, TIME_BYTES = 6 };

/* Whether a UUID's canonical text has a dash at index i. */
static bool
is_dash_at(int i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

static void
write_text(const unsigned char bytes[UUID_BYTES], char out[UUID_TEXT_SIZE])
{
	int i = 0;

	for (int j = 0; j < UUID_BYTES; j++, i += 2) {
		if (is_dash_at(i))
			out[i++] = '-';
		hex_write(&bytes[j], 1, out + i);
	}
}

/*
 * RFC 9562 section 5.7: 48 bits are the time, six are fixed (version and
 * variant), and all others are random.
 */
void
uuid_v7(char out[UUID_TEXT_SIZE])
{
	uint64_t now_ms = (uint64_t)clock_now_ms();
	unsigned char bytes[UUID_BYTES];

	for (int i = TIME_BYTES - 1; i >= 0; i--, now_ms >>= 8)
		bytes[i] = (unsigned char)now_ms;
	random_bytes(bytes + TIME_BYTES, UUID_BYTES - TIME_BYTES);
	bytes[6] = (unsigned char)(0x70 | (bytes[6] & 0x0f)); /* version 7 */
	bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f)); /* RFC variant */
	write_text(bytes, out);
}

bool
uuid_valid(const char *s)
{
	/*
	 * A shorter text is refused at its NUL, which is neither a dash nor a
	 * digit.
	 */
	for (int i = 0; i < UUID_TEXT_SIZE - 1; i++) {
		if (is_dash_at(i) ? s[i] != '-' : hex_value(s[i]) < 0)
			return false;
	}
	return s[UUID_TEXT_SIZE - 1] == '\0';
}

void
uuid_canonical(const char *s, char out[UUID_TEXT_SIZE])
{
	for (size_t i = 0; i < UUID_TEXT_SIZE; i++)
		out[i] = (char)tolower((unsigned char)s[i]);
}

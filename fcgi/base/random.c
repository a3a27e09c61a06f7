#include "base/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

void
random_bytes(void *out, size_t len)
{
	unsigned char *p = out;

	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			perror("getrandom");
			abort();
		}
		p += n;
		len -= (size_t)n;
	}
}

void
random_alnum(char *out, size_t len)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789";
	enum { LETTERS = sizeof(alphabet) - 1 };
	/*
	 * Bytes of this value or above are not used: with them, the first
	 * letters of the alphabet would be more frequent.
	 */
	enum { FAIR = 256 - 256 % LETTERS };
	unsigned char drawn[64];
	size_t i = 0;

	while (i < len) {
		random_bytes(drawn, sizeof(drawn));
		for (size_t j = 0; j < sizeof(drawn) && i < len; j++) {
			if (drawn[j] < FAIR)
				out[i++] = alphabet[drawn[j] % LETTERS];
		}
	}
	out[len] = '\0';
	explicit_bzero(drawn, sizeof(drawn));
}

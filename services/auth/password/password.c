#include "auth/password/password.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libscrypt.h>

#include "auth/log_events.h"
#include "base/arena.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/random.h"
#include "base/unicode.h"
#include "base/utf8.h"

enum { COST_N = 16384, COST_R = 16, COST_P = 1 };

bool
password_too_short(const char *text)
{
	return utf8_utf16_length(text) < PASSWORD_MIN_UNITS;
}

bool
password_too_long(const char *text)
{
	return utf8_utf16_length(text) > PASSWORD_MAX_UNITS;
}

bool
password_hash_read(
    struct arena *a, const char *stored, struct password_hash *ret_hash)
{
	const char *colon = strchr(stored, ':');
	struct password_hash hash;

	if (colon == NULL || colon == stored ||
	    strlen(colon + 1) != 2 * sizeof(hash.key))
		return false;
	for (size_t i = 0; i < sizeof(hash.key); i++) {
		int high = hex_value(colon[1 + 2 * i]);
		int low = hex_value(colon[2 + 2 * i]);

		if (high < 0 || low < 0)
			return false;
		hash.key[i] = (unsigned char)(high << 4 | low);
	}
	hash.salt = arena_strndup(a, stored, (size_t)(colon - stored));
	*ret_hash = hash;
	return true;
}

const char *
password_hash_write(struct arena *a, const char *salt,
    const unsigned char key[PASSWORD_KEY_SIZE])
{
	char hex[2 * PASSWORD_KEY_SIZE + 1];

	hex_write(key, PASSWORD_KEY_SIZE, hex);
	return arena_printf(a, "%s:%s", salt, hex);
}

void
password_new_salt(char out[PASSWORD_SALT_SIZE])
{
	unsigned char bytes[(PASSWORD_SALT_SIZE - 1) / 2];

	random_bytes(bytes, sizeof(bytes));
	hex_write(bytes, sizeof(bytes), out);
}

bool
password_derive(const char *password, const char *salt,
    unsigned char ret_key[PASSWORD_KEY_SIZE])
{
	char *nfkc = unicode_nfkc(password);
	size_t len;
	int failed;

	if (nfkc == NULL) {
		log_event(LOG_ERROR, EVENT_PASSWORD_NORMALISATION_FAILED);
		return false;
	}
	len = strlen(nfkc);
	failed = libscrypt_scrypt((const uint8_t *)nfkc, len,
	    (const uint8_t *)salt, strlen(salt), COST_N, COST_R, COST_P,
	    ret_key, PASSWORD_KEY_SIZE);
	explicit_bzero(nfkc, len);
	free(nfkc);
	if (failed != 0)
		log_event(LOG_ERROR, EVENT_PASSWORD_HASHING_FAILED);
	return failed == 0;
}

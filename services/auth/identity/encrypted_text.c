#include "auth/identity/encrypted_text.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "auth/auth.h"
#include "base/aead.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/hex.h"

static_assert((int)AEAD_KEY_SIZE == (int)SHA256_SIZE, "the key is a SHA-256");

const char *
encrypted_text_write(const struct auth *auth, struct arena *a, const char *text)
{
	unsigned char key[SHA256_SIZE], *sealed;
	size_t len;
	char *hex;

	sha256(auth->secret, auth->secret_len, key);
	sealed = aead_encrypt(a, key, text, &len);
	hex = arena_alloc(a, 2 * len + 1);
	hex_write(sealed, len, hex);
	return hex;
}

/* Returns NULL when the text is not an even number of hexadecimal digits. */
static const unsigned char *
read_hex(struct arena *a, const char *text, size_t *ret_len)
{
	size_t len = strlen(text) / 2;
	unsigned char *bytes = arena_alloc(a, len + 1);

	for (size_t i = 0; i < len; i++) {
		int high = hex_value(text[2 * i]);
		int low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return NULL;
		bytes[i] = (unsigned char)(high * 16 + low);
	}
	*ret_len = len;
	return text[2 * len] == '\0' ? bytes : NULL;
}

static const char *
decrypt(struct arena *a, const char *secret, size_t secret_len,
    const unsigned char *sealed, size_t len)
{
	unsigned char key[SHA256_SIZE];

	sha256(secret, secret_len, key);
	return aead_decrypt(a, key, sealed, len);
}

const char *
encrypted_text_read(const struct auth *auth, struct arena *a,
    const char *stored, bool *ret_is_current)
{
	size_t len;
	const unsigned char *sealed = read_hex(a, stored, &len);
	const char *text;

	if (sealed == NULL)
		return NULL;
	text = decrypt(a, auth->secret, auth->secret_len, sealed, len);
	if (ret_is_current != NULL)
		*ret_is_current = text != NULL;
	if (text == NULL && auth->secret_previous != NULL)
		text = decrypt(a, auth->secret_previous,
		    auth->secret_previous_len, sealed, len);
	return text;
}

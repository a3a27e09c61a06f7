#include "base/aead.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/arena.h"
#include "base/random.h"

static_assert(
    AEAD_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES &&
	AEAD_NONCE_SIZE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES &&
	AEAD_TAG_SIZE == crypto_aead_xchacha20poly1305_ietf_ABYTES,
    "sizes of libsodium");

unsigned char *
aead_encrypt(struct arena *a, const unsigned char key[AEAD_KEY_SIZE],
    const char *text, size_t *ret_len)
{
	size_t len = strlen(text);
	unsigned char *sealed =
	    arena_alloc(a, AEAD_NONCE_SIZE + len + AEAD_TAG_SIZE);

	random_bytes(sealed, AEAD_NONCE_SIZE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + AEAD_NONCE_SIZE,
	    NULL, (const unsigned char *)text, len, NULL, 0, NULL, sealed, key);
	*ret_len = AEAD_NONCE_SIZE + len + AEAD_TAG_SIZE;
	return sealed;
}

char *
aead_decrypt(struct arena *a, const unsigned char key[AEAD_KEY_SIZE],
    const unsigned char *sealed, size_t len)
{
	size_t text_len = len - AEAD_NONCE_SIZE - AEAD_TAG_SIZE;
	char *text;

	if (len < AEAD_NONCE_SIZE + AEAD_TAG_SIZE)
		return NULL;
	text = arena_alloc(a, text_len + 1);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)text,
		NULL, NULL, sealed + AEAD_NONCE_SIZE, len - AEAD_NONCE_SIZE,
		NULL, 0, sealed, key) != 0)
		return NULL;
	text[text_len] = '\0';
	return strlen(text) == text_len ? text : NULL;
}

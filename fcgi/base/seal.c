#include "base/seal.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/random.h"

enum { NONCE_SIZE = 12, TAG_SIZE = 16 };

/* Aborts: these calls fail only for lack of memory. */
static void
must(bool worked)
{
	if (worked)
		return;
	fputs("seal: OpenSSL fails\n", stderr);
	abort();
}

static EVP_CIPHER_CTX *
start(const unsigned char *key, const unsigned char *nonce, const char *context,
    int encrypt)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;

	must(c != NULL);
	must(EVP_CipherInit_ex(
		 c, EVP_aes_256_gcm(), NULL, key, nonce, encrypt) == 1);
	must(EVP_CipherUpdate(c, NULL, &n, (const unsigned char *)context,
		 (int)strlen(context)) == 1);
	return c;
}

const char *
seal_text(struct arena *a, const unsigned char key[SEAL_KEY_SIZE],
    const char *context, const char *text)
{
	size_t len = strlen(text);
	/* The nonce, the encrypted text, the tag. */
	unsigned char *out = arena_alloc(a, NONCE_SIZE + len + TAG_SIZE);
	EVP_CIPHER_CTX *c;
	int n = 0, last = 0;

	random_bytes(out, NONCE_SIZE);
	c = start(key, out, context, /* encrypt= */ 1);
	must(EVP_CipherUpdate(c, out + NONCE_SIZE, &n,
		 (const unsigned char *)text, (int)len) == 1);
	must(EVP_CipherFinal_ex(c, out + NONCE_SIZE + n, &last) == 1);
	must((size_t)n + (size_t)last == len);
	must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_SIZE,
		 out + NONCE_SIZE + len) == 1);
	EVP_CIPHER_CTX_free(c);
	return base64url_encode(a, out, NONCE_SIZE + len + TAG_SIZE);
}

const char *
seal_open(struct arena *a, const unsigned char key[SEAL_KEY_SIZE],
    const char *context, const char *sealed)
{
	unsigned char *in, *text;
	size_t len;
	EVP_CIPHER_CTX *c;
	int n = 0, last = 0;
	bool good;

	if (!base64url_decode(a, sealed, strlen(sealed), &in, &len) ||
	    len < NONCE_SIZE + TAG_SIZE)
		return NULL;
	len -= NONCE_SIZE + TAG_SIZE;
	text = arena_alloc(a, len + 1);
	c = start(key, in, context, /* encrypt= */ 0);
	must(EVP_CipherUpdate(c, text, &n, in + NONCE_SIZE, (int)len) == 1);
	must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_SIZE,
		 in + NONCE_SIZE + len) == 1);
	good = EVP_CipherFinal_ex(c, text + n, &last) == 1;
	EVP_CIPHER_CTX_free(c);
	return good ? (const char *)text : NULL;
}

#include "base/digest.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/hex.h"

/*
 * OpenSSL 3 looks an algorithm up by name, under locks, whenever it is asked
 * for one.  So each is fetched once, and each thread keeps one context of
 * either kind, which costs less to start again than to make.
 */
struct contexts {
	EVP_MD_CTX *hash;
	EVP_MAC_CTX *mac; /* HMAC with SHA-256; keyed at each use */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t contexts_key; /* frees them with their thread */
static EVP_MD *hash_type;
static EVP_MAC *mac_type;
static _Thread_local struct contexts *contexts;

/* What can fail here is OpenSSL's memory or its installation, not input. */
static void
must(bool worked, const char *what)
{
	if (worked)
		return;
	fprintf(stderr, "digest: OpenSSL fails: %s\n", what);
	abort();
}

static void
contexts_free(void *arg)
{
	struct contexts *c = arg;

	EVP_MD_CTX_free(c->hash);
	EVP_MAC_CTX_free(c->mac);
	free(c);
}

static void
fetch(void)
{
	must(pthread_key_create(&contexts_key, contexts_free) == 0, "key");
	hash_type = EVP_MD_fetch(NULL, OSSL_DIGEST_NAME_SHA2_256, NULL);
	must(hash_type != NULL, "no SHA-256");
	mac_type = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
	must(mac_type != NULL, "no HMAC");
}

static void
contexts_new(void)
{
	char name[] = OSSL_DIGEST_NAME_SHA2_256;
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end(),
	};
	struct contexts *c = calloc(1, sizeof(*c));

	pthread_once(&once, fetch);
	must(c != NULL, "no memory");
	c->hash = EVP_MD_CTX_new();
	c->mac = EVP_MAC_CTX_new(mac_type);
	must(c->hash != NULL && c->mac != NULL, "no memory");
	must(EVP_MAC_CTX_set_params(c->mac, params), "parameters");
	must(pthread_setspecific(contexts_key, c) == 0, "no memory");
	contexts = c;
}

void
sha256(const void *data, size_t len, unsigned char out[SHA256_SIZE])
{
	unsigned out_len = 0;

	if (contexts == NULL)
		contexts_new();
	must(EVP_DigestInit_ex2(contexts->hash, hash_type, NULL) &&
		 EVP_DigestUpdate(contexts->hash, data, len) &&
		 EVP_DigestFinal_ex(contexts->hash, out, &out_len),
	    "SHA-256");
	assert(out_len == SHA256_SIZE);
}

void
sha256_hex(const void *data, size_t len, char out[SHA256_HEX_SIZE])
{
	unsigned char hash[SHA256_SIZE];

	sha256(data, len, hash);
	hex_write(hash, SHA256_SIZE, out);
}

void
hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
    unsigned char out[SHA256_SIZE])
{
	static const unsigned char no_key[1];
	size_t out_len = 0;

	if (contexts == NULL)
		contexts_new();
	/* A NULL key would mean the key of the last call. */
	if (key_len == 0)
		key = no_key;
	must(EVP_MAC_init(contexts->mac, key, key_len, NULL) &&
		 EVP_MAC_update(contexts->mac, data, len) &&
		 EVP_MAC_final(contexts->mac, out, &out_len, SHA256_SIZE),
	    "HMAC");
	assert(out_len == SHA256_SIZE);
}

/* RFC 5869: one block of output, so expanding is one HMAC. */
void
hkdf_sha256(const void *key, size_t key_len, const char *info,
    unsigned char out[SHA256_SIZE])
{
	static const unsigned char no_salt[SHA256_SIZE];
	unsigned char prk[SHA256_SIZE], block[HKDF_INFO_MAX + 1];
	size_t info_len = strlen(info);

	assert(info_len <= HKDF_INFO_MAX);
	hmac_sha256(no_salt, sizeof(no_salt), key, key_len, prk);
	memcpy(block, info, info_len + 1);
	block[info_len] = 1; /* the block's number, where the NUL was */
	hmac_sha256(prk, sizeof(prk), block, info_len + 1, out);
	explicit_bzero(prk, sizeof(prk));
}

bool
digest_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void
digest_warm_up(void)
{
	unsigned char out[SHA256_SIZE];

	sha256("", 0, out);
	hmac_sha256("", 0, "", 0, out);
}

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

enum {
	MACS = 4, /* cached contexts; a thread uses fewer keys at a time */
	KEY_MAX_BYTES = 128, /* a longer key is not cached */
};

/* A context for HMAC with SHA-256, and the key that it was last used with. */
struct mac {
	EVP_MAC_CTX *ctx; /* NULL until the first use */
	size_t key_len; /* 0: the key is not cached */
	unsigned char key[KEY_MAX_BYTES];
};

/*
 * The OpenSSL contexts of one thread.  OpenSSL 3 looks up an algorithm by name,
 * under locks, each time it is requested.  So each algorithm is fetched once
 * per process, and each thread keeps its contexts, because restarting a context
 * costs less than creating one.  An HMAC costs least if its context had the
 * same key before.
 */
struct contexts {
	EVP_MD_CTX *hash;
	struct mac macs[MACS];
	unsigned next_mac; /* which of `macs` is used for the next new key */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t contexts_key; /* frees the contexts at thread exit */
static EVP_MD *hash_type;
static EVP_MAC *mac_type;
static bool macs_restart; /* the result of probe_restart() */
static _Thread_local struct contexts *contexts;

/*
 * Aborts if an OpenSSL call failed.  The calls checked in this way fail only
 * for lack of memory or because of a broken installation, never because of
 * input.
 */
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
	for (int i = 0; i < MACS; i++) {
		EVP_MAC_CTX_free(c->macs[i].ctx);
		explicit_bzero(c->macs[i].key, sizeof(c->macs[i].key));
	}
	free(c);
}

static EVP_MAC_CTX *
mac_new(void)
{
	char name[] = OSSL_DIGEST_NAME_SHA2_256;
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac_type);

	must(ctx != NULL, "no memory");
	must(EVP_MAC_CTX_set_params(ctx, params), "parameters");
	return ctx;
}

static bool
mac_finish(EVP_MAC_CTX *ctx, const void *data, size_t len,
    unsigned char out[SHA256_SIZE])
{
	size_t out_len = 0;

	return EVP_MAC_update(ctx, data, len) &&
	       EVP_MAC_final(ctx, out, &out_len, SHA256_SIZE) &&
	       out_len == SHA256_SIZE;
}

/*
 * Returns whether EVP_MAC_init() without a key restarts a context with its
 * previous key, as EVP_MAC(3) says.  Providers of OpenSSL before 3.0.3 continue
 * the previous computation instead, without an error (OpenSSL issue 17811).
 */
static bool
probe_restart(void)
{
	unsigned char first[SHA256_SIZE], again[SHA256_SIZE];
	EVP_MAC_CTX *ctx = mac_new();
	bool good;

	must(EVP_MAC_init(ctx, (const unsigned char *)"key", 3, NULL) &&
		 mac_finish(ctx, "data", 4, first),
	    "HMAC");
	good = EVP_MAC_init(ctx, NULL, 0, NULL) &&
	       mac_finish(ctx, "data", 4, again) &&
	       memcmp(first, again, sizeof(first)) == 0;
	EVP_MAC_CTX_free(ctx);
	return good;
}

static void
fetch(void)
{
	must(pthread_key_create(&contexts_key, contexts_free) == 0, "key");
	hash_type = EVP_MD_fetch(NULL, OSSL_DIGEST_NAME_SHA2_256, NULL);
	must(hash_type != NULL, "no SHA-256");
	mac_type = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
	must(mac_type != NULL, "no HMAC");
	macs_restart = probe_restart();
}

static void
contexts_new(void)
{
	struct contexts *c = calloc(1, sizeof(*c));

	pthread_once(&once, fetch);
	must(c != NULL, "no memory");
	c->hash = EVP_MD_CTX_new();
	must(c->hash != NULL, "no memory");
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

/*
 * Restarts and returns the context that already has this key; NULL if none has.
 */
static EVP_MAC_CTX *
restart_mac(struct contexts *c, const void *key, size_t key_len)
{
	for (int i = 0; i < MACS; i++) {
		struct mac *m = &c->macs[i];

		if (m->key_len == key_len && key_len > 0 &&
		    memcmp(m->key, key, key_len) == 0) {
			must(EVP_MAC_init(m->ctx, NULL, 0, NULL), "HMAC");
			return m->ctx;
		}
	}
	return NULL;
}

static EVP_MAC_CTX *
start_mac(struct contexts *c, const void *key, size_t key_len)
{
	static const unsigned char no_key[1];
	struct mac *m = &c->macs[c->next_mac++ % MACS];

	if (m->ctx == NULL)
		m->ctx = mac_new();
	m->key_len = 0;
	if (macs_restart && key_len > 0 && key_len <= sizeof(m->key)) {
		memcpy(m->key, key, key_len);
		m->key_len = key_len;
	}
	/* To OpenSSL a NULL key means the key of the previous call. */
	must(EVP_MAC_init(m->ctx, key_len > 0 ? key : no_key, key_len, NULL),
	    "HMAC");
	return m->ctx;
}

void
hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
    unsigned char out[SHA256_SIZE])
{
	EVP_MAC_CTX *ctx;

	if (contexts == NULL)
		contexts_new();
	ctx = restart_mac(contexts, key, key_len);
	if (ctx == NULL)
		ctx = start_mac(contexts, key, key_len);
	must(mac_finish(ctx, data, len, out), "HMAC");
}

/*
 * HKDF as in RFC 5869.  The output is a single block, so the expand step is a
 * single HMAC.
 */
void
hmac_sha1(const void *key, size_t key_len, const void *data, size_t len,
    unsigned char out[SHA1_SIZE])
{
	must(EVP_Q_mac(NULL, "HMAC", NULL, "SHA1", NULL, key, key_len, data,
		 len, out, SHA1_SIZE, NULL) != NULL,
	    "HMAC with SHA-1");
}

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
	block[info_len] = 1; /* the block number replaces the NUL */
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

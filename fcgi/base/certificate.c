/*
 * A struct certificate is OpenSSL's X509 under another name, so that only this
 * file includes OpenSSL's headers for it.
 */
#include "base/certificate.h"

#include <stdio.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static X509 *
theirs(const struct certificate *c)
{
	return (X509 *)c;
}

struct certificate *
certificate_read(const char *path)
{
	FILE *f = fopen(path, "re");
	X509 *x;

	if (f == NULL)
		return NULL;
	x = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	ERR_clear_error();
	return (struct certificate *)x;
}

void
certificate_free(struct certificate *c)
{
	X509_free(theirs(c));
}

static int64_t
seconds(const ASN1_TIME *t)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return timegm(&tm);
}

int64_t
certificate_begins_s(const struct certificate *c)
{
	return seconds(X509_get0_notBefore(theirs(c)));
}

int64_t
certificate_ends_s(const struct certificate *c)
{
	return seconds(X509_get0_notAfter(theirs(c)));
}

bool
certificate_is_for(const struct certificate *c, const char *host)
{
	return X509_check_host(theirs(c), host, 0, 0, NULL) == 1 ||
	       X509_check_ip_asc(theirs(c), host, 0) == 1;
}

/* Refuses to ask for a passphrase at the terminal. */
static int
no_passphrase(char *buf, int size, int rwflag, void *u)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)u;
	return 0;
}

bool
certificate_has_key(const struct certificate *c, const char *path)
{
	FILE *f = fopen(path, "re");
	EVP_PKEY *key;
	bool ok;

	if (f == NULL)
		return false;
	key = PEM_read_PrivateKey(f, NULL, no_passphrase, NULL);
	fclose(f);
	ok = key != NULL && X509_check_private_key(theirs(c), key) == 1;
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok;
}

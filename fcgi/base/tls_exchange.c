#include "base/tls_exchange.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

static ssize_t
exchange(SSL *ssl, const char *request, char *ret, size_t size)
{
	size_t len = 0;
	int n;

	if (SSL_connect(ssl) != 1)
		return -1;
	/*
	 * Ignore an error of the write: the server may answer before it has
	 * read the whole request.
	 */
	(void)SSL_write(ssl, request, (int)strlen(request));
	while (
	    len < size && (n = SSL_read(ssl, ret + len, (int)(size - len))) > 0)
		len += (size_t)n;
	return (ssize_t)len;
}

ssize_t
tls_exchange(
    int fd, const char *host, const char *request, char *ret, size_t size)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = ctx == NULL ? NULL : SSL_new(ctx);
	ssize_t len = -1;

	if (ssl != NULL && SSL_set_fd(ssl, fd) == 1 &&
	    SSL_set_tlsext_host_name(ssl, host) == 1)
		len = exchange(ssl, request, ret, size);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return len;
}

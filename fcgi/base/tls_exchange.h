/*
 * tls_exchange: one request and its response over TLS on a connected socket,
 * for checks that need every byte as it is.  For everything else there is
 * http_client/.
 */
#ifndef BASE_TLS_EXCHANGE_H
#define BASE_TLS_EXCHANGE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Sends the request and reads the response until the other side closes, or
 * until `size` bytes.  `host` is sent as the server's name (SNI).  The
 * certificate is not verified: the caller knows to whom it is connected.  The
 * socket's own time-outs apply.  Returns the number of bytes; -1: there is no
 * TLS connection.
 */
ssize_t tls_exchange(
    int fd, const char *host, const char *request, char *ret, size_t size);

#endif

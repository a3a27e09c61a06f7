/*
 * certificate: what is in a file with an X.509 certificate: until when it is
 * valid, for which host names, and whether a key belongs to it.
 */
#ifndef BASE_CERTIFICATE_H
#define BASE_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct certificate;

/*
 * Reads the first certificate of a PEM file.  NULL: the file cannot be read or
 * has none.  The caller frees it with certificate_free().
 */
struct certificate *certificate_read(const char *path);
void certificate_free(struct certificate *c);
/* Seconds since the epoch. */
int64_t certificate_begins_s(const struct certificate *c);
int64_t certificate_ends_s(const struct certificate *c);
/* Whether the certificate is valid for the host name or address. */
bool certificate_is_for(const struct certificate *c, const char *host);
/*
 * Whether the private key in a PEM file belongs to the certificate.  False
 * also if the file cannot be read, or the key needs a passphrase.
 */
bool certificate_has_key(const struct certificate *c, const char *path);

#endif

/*
 * base32: encodes and decodes base32 (RFC 4648 section 6) without padding, as
 * otpauth addresses have it.
 */
#ifndef BASE_BASE32_H
#define BASE_BASE32_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct arena;

char *base32_encode(struct arena *a, const void *data, size_t len);
/*
 * Reads letters in either case; padding is accepted, and unused bits need not
 * be zero, since other programs are as lenient.  Any other character is
 * refused. On success, *ret_data is in the arena.
 */
MUST_CHECK bool base32_decode(struct arena *a, const char *text,
    unsigned char **ret_data, size_t *ret_len);

#endif

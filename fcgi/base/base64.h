/*
 * base64: encodes and decodes base64 (RFC 4648 section 4, with padding) and
 * base64url (section 5, without padding).
 *
 * Decoding is strict: letters of the other alphabet, wrong padding, unused bits
 * that are not zero, and any other character are refused, so that exactly one
 * text decodes to a given value.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct arena;

char *base64_encode(struct arena *a, const void *data, size_t len);
char *base64url_encode(struct arena *a, const void *data, size_t len);
/*
 * On success, *ret_data is in the arena and has a NUL after its *ret_len bytes.
 */
MUST_CHECK bool base64_decode(struct arena *a, const char *text, size_t len,
    unsigned char **ret_data, size_t *ret_len);
MUST_CHECK bool base64url_decode(struct arena *a, const char *text, size_t len,
    unsigned char **ret_data, size_t *ret_len);

#endif

/*
 * seal: encrypts short texts that are stored for a while (AES-256-GCM).
 *
 * A sealed text can be neither read nor changed without the key, nor be used in
 * another place: `context` names the place, and must be the same when the text
 * is opened.
 */
#ifndef BASE_SEAL_H
#define BASE_SEAL_H

#include <stddef.h>

#include "base/attr.h"

struct arena;

enum { SEAL_KEY_SIZE = 32 };

/* Returns base64url. */
const char *seal_text(struct arena *a, const unsigned char key[SEAL_KEY_SIZE],
    const char *context, const char *text);
/* Returns NULL when the text was not sealed with this key and context. */
const char *seal_open(struct arena *a, const unsigned char key[SEAL_KEY_SIZE],
    const char *context, const char *sealed);

#endif

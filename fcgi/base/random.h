/* random: bytes and tokens from the kernel.  Failure aborts: see random(4). */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>

void random_bytes(void *out, size_t len);
/* len characters, uniform over a-z A-Z 0-9, and a NUL: out holds len + 1. */
void random_alnum(char *out, size_t len);

#endif

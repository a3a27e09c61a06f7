/*
 * random: random bytes and tokens from the kernel.  A failure aborts the
 * process: see random(4).
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>

void random_bytes(void *out, size_t len);
/*
 * Writes len characters, uniformly chosen from a-z A-Z 0-9, and a NUL: out has
 * room for len + 1.
 */
void random_alnum(char *out, size_t len);

#endif

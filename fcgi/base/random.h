/*
 * random: random bytes and texts from the kernel.  If the kernel gives none,
 * the process aborts; see random(4).
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>

void random_bytes(void *out, size_t len);
/*
 * Writes len characters, each chosen uniformly from a-z A-Z 0-9, and a NUL.
 * `out` has room for len + 1.
 */
void random_alnum(char *out, size_t len);

#endif

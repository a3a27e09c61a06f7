/* hex: bytes as hexadecimal digits. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stddef.h>

/*
 * The value of a hexadecimal digit of either case; -1 for any other character.
 */
int hex_value(char c);
/*
 * Writes two lower-case digits for each byte and a NUL: 2 * len + 1 characters.
 */
void hex_write(const void *data, size_t len, char *out);

#endif

/* hex: writes bytes as hexadecimal digits and reads such digits. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stddef.h>

/*
 * The value of a hexadecimal digit in upper or lower case; -1 for any other
 * character.
 */
int hex_value(char c);
/*
 * Writes the bytes as lower-case hexadecimal digits and a NUL: 2 * len + 1
 * characters.
 */
void hex_write(const void *data, size_t len, char *out);

#endif

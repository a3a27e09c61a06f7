/*
 * password_prompt: asks for a password on the terminal, without showing it.
 *
 * A signal that ends or stops the process first gives the terminal back as it
 * was; after a stop (Ctrl-Z) and "fg", the question is asked again.
 */
#ifndef AUTH_PASSWORD_PROMPT_H
#define AUTH_PASSWORD_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/*
 * Reads a line of standard input, a terminal, into `out`, without its end.
 * False: end of input, no terminal, or the line does not fit.
 */
MUST_CHECK bool password_prompt(const char *prompt, char *out, size_t size);

#endif

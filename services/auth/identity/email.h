/*
 * email: the canonical form in which an address is stored and compared.
 *
 * Addresses that BetterAuth's schema accepts are valid: ASCII, a dot-atom
 * without quotes, a domain of labels of which the last is alphabetic.  An
 * address is not trimmed, and only converted to ASCII lower case, so that two
 * different addresses are never taken for the same one.
 */
#ifndef AUTH_EMAIL_H
#define AUTH_EMAIL_H

#include <stdbool.h>

struct arena;

enum { EMAIL_MAX_BYTES = 254 }; /* RFC 5321 section 4.5.3.1.3 */

bool email_valid(const char *text);
/* Converts to lower case; `text` must be valid. */
const char *email_canonical(struct arena *a, const char *text);

#endif

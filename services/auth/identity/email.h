/*
 * email: the one form in which an address is stored and compared.
 *
 * An address is what BetterAuth's schema accepts: ASCII, a dot-atom without
 * quotes, a domain of labels with an alphabetic last one.  It is not trimmed
 * and not folded beyond ASCII lower case, so no two spellings of one mailbox
 * that differ otherwise are ever taken for each other.
 */
#ifndef AUTH_EMAIL_H
#define AUTH_EMAIL_H

#include <stdbool.h>

struct arena;

enum { EMAIL_MAX_BYTES = 254 }; /* RFC 5321 section 4.5.3.1.3 */

bool email_valid(const char *text);
/* Lower case; `text` must be valid. */
const char *email_canonical(struct arena *a, const char *text);

#endif

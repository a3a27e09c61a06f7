/*
 * link_slug: the last part of a short link's address.
 *
 * A slug has 3 to 64 of the characters a-z, 0-9, "-" and "_", and begins and
 * ends with a letter or a digit.  Capitals are accepted and converted, when a
 * link is created and when it is followed, because slugs are read aloud and
 * typed.  Other letters are refused: many of them look like Latin ones.  Two
 * slugs that look alike ("paypal" and "paypa1") cannot both exist; the database
 * sees to that (link_look() in sql/links/0001_link.sql).
 *
 * A generated slug has 10 of 28 characters, 48 bits, so that guessing one is
 * hopeless within LINKS_LOOKUP_RATE.  It has no vowel, so that it spells no
 * word, and no two of its characters look alike.
 */
#ifndef LINKS_LINK_SLUG_H
#define LINKS_LINK_SLUG_H

#include <stdbool.h>

#include "base/attr.h"

enum { SLUG_MIN = 3, SLUG_MAX = 64, SLUG_SIZE = SLUG_MAX + 1 };

enum slug_problem { SLUG_FITS, SLUG_MALFORMED, SLUG_RESERVED };

/*
 * Writes the slug in small letters.  Returns false for a text that is no slug,
 * which a link cannot have.
 */
MUST_CHECK bool slug_read(const char *text, char out[SLUG_SIZE]);
/*
 * Like slug_read(), for a slug that a user has chosen: some are reserved,
 * because people would take such a link for the operator's own.
 */
MUST_CHECK enum slug_problem slug_choose(const char *text, char out[SLUG_SIZE]);
void slug_generate(char out[SLUG_SIZE]);

#endif

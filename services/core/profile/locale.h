/*
 * locale: checks language tags (BCP 47) by their grammar.
 *
 * A tag is accepted if it is a langtag of RFC 5646 section 2.1: "de",
 * "zh-Hant-TW", "sl-rozaj-biske-1994", "de-DE-u-co-phonebk".  The irregular
 * grandfathered tags ("i-klingon") and private-use tags ("x-house") are
 * refused: Unicode and ECMA-402 refuse them too, so nothing could format text
 * for them. Whether a subtag is registered is not checked.
 */
#ifndef CORE_LOCALE_H
#define CORE_LOCALE_H

#include "base/attr.h"

struct arena;

/*
 * Returns the tag with upper and lower case as in RFC 5646 section 2.1.1
 * ("EN-latn-gb" becomes "en-Latn-GB"), or NULL when the tag is not well-formed.
 */
const char *locale_canonical(struct arena *a, const char *tag);

#endif

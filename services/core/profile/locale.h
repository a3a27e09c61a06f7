/*
 * locale: language tags (BCP 47), by their grammar alone.
 *
 * Accepted is what RFC 5646 section 2.1 calls a langtag: "de", "zh-Hant-TW",
 * "sl-rozaj-biske-1994", "de-DE-u-co-phonebk".  Refused are the irregular
 * grandfathered tags ("i-klingon") and tags that are private use throughout
 * ("x-house"): Unicode and ECMA-402 refuse them too, so nothing could format
 * by them.  Whether a subtag is registered is not asked.
 */
#ifndef CORE_LOCALE_H
#define CORE_LOCALE_H

#include "base/attr.h"

struct arena;

/*
 * The tag in the case of RFC 5646 section 2.1.1 ("EN-latn-gb" is
 * "en-Latn-GB"), or NULL when it is not well-formed.
 */
const char *locale_canonical(struct arena *a, const char *tag);

#endif

/*
 * origin: the web origin of a URL (RFC 6454 section 4), and the parts of a URL
 * that decide whether it has one.
 *
 * URLs are parsed strictly: a URL that browsers would repair (backslashes,
 * missing slashes, tabs, user information, other spellings of an address) has
 * no origin here, so a text never has two meanings.
 */
#ifndef WEB_ORIGIN_H
#define WEB_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

enum { ORIGIN_MAX = 300, ORIGIN_URL_MAX = 4096 };

/*
 * Writes the origin of an http or https URL in canonical form: lower case, no
 * default port, nothing after the authority.  Returns false when `url` is not
 * one.
 */
MUST_CHECK bool origin_of(const char *url, char out[ORIGIN_MAX]);
/*
 * Whether the URL has no spaces, control characters or backslashes, and
 * non-ASCII bytes only behind `authority_end`.
 */
MUST_CHECK bool origin_is_plain(const char *url, const char *authority_end);
/* 443 for https, 80 for http, 0 for every other scheme. */
int origin_default_port(const char *url);
/* The length of the scheme before "://" (RFC 3986 section 3.1); 0: none. */
size_t origin_scheme_length(const char *url);

#endif

/*
 * http_url: which URLs may be called.
 */
#ifndef HTTP_CLIENT_HTTP_URL_H
#define HTTP_CLIENT_HTTP_URL_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

/* Whether the URL begins with "http://" or "https://", in any case. */
bool http_url_scheme_is_allowed(const char *url);
/*
 * Whether a URL may be stored for later calls: http or https, a host in plain
 * ASCII, no port 0, no user and password, no fragment.  Without allow_private,
 * a host that is an address must be public, and "localhost" is not allowed;
 * other names are resolved and checked at the time of the call. Returns ERR_OK,
 * ERR_FORBIDDEN (not public) or ERR_INVALID.
 */
MUST_CHECK enum err http_url_check(const char *url, bool allow_private);

#endif

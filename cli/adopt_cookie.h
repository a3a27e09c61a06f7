/*
 * adopt_cookie: checks, with the cookie of a live session, that a secret is the
 * secret of the BetterAuth server. With another secret every cookie would be
 * invalid, and everybody would be signed out.
 */
#ifndef CLI_ADOPT_COOKIE_H
#define CLI_ADOPT_COOKIE_H

#include <stdbool.h>

#include "base/attr.h"

struct arena;
struct db_script;

struct adopt_cookie {
	const char *token;
	/* AUTH_COOKIE_PREFIX; NULL: only the value was given */
	const char *prefix;
	bool is_secure; /* the name begins with __Secure- */
	const char *email; /* of the session's user */
};

/*
 * Reads "NAME=VALUE", the value alone, or a header with several cookies; checks
 * its signature; finds its session. False: an error was printed that says
 * which of these failed, and what to do.
 */
MUST_CHECK bool adopt_cookie_check(struct arena *a, struct db_script *script,
    const char *text, const char *secret, struct adopt_cookie *ret);

#endif

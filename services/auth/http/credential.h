/*
 * credential: the credential of a request.  Only this module decides it;
 * sessions, verify and the origin check take it from here.
 *
 * A request has one credential: if it carries several, a plugin's kind takes
 * precedence over the session's cookie.  Its kind is part of the assertion.
 * Browsers send a cookie whichever page caused the request, so only a cookie
 * needs the origin check (csrf.h).
 */
#ifndef AUTH_CREDENTIAL_H
#define AUTH_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/http/session_cookie.h"

struct req;

enum credential_kind {
	CREDENTIAL_NONE,
	CREDENTIAL_COOKIE,
	CREDENTIAL_BEARER, /* a session's token in Authorization */
	CREDENTIAL_API_KEY,
	CREDENTIAL_DEVICE, /* a device's token */
	CREDENTIAL__MAX
};

/*
 * The tokens of sessions in the credential, in order: the first one whose
 * session is valid is used.  A browser sends several cookies of one name when a
 * site had them for other paths or domains, which cannot be deleted.
 */
enum { CREDENTIAL_TOKENS_MAX = SESSION_COOKIE_TOKENS_MAX };
struct credential {
	enum credential_kind kind;
	/*
	 * The tokens had a valid MAC: auth or BetterAuth issued them.  Anybody
	 * can invent one without.
	 */
	bool is_signed;
	const char *tokens[CREDENTIAL_TOKENS_MAX];
	size_t ntokens;
};

struct credential credential_of(const struct req *r);
/*
 * The request's session cookies, also when a plugin's credential has precedence
 * over them.
 */
struct credential credential_of_cookies(const struct req *r);
/* "cookie", as in the assertion. */
const char *credential_name(enum credential_kind kind);

#endif

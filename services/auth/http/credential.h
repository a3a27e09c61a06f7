/*
 * credential: by what a request says who sends it.  This is the one place that
 * decides it; sessions, verify and the rule about origins take it from here.
 *
 * A request has one credential: where it carries several, a plugin's kind goes
 * before the session's cookie.  Its kind travels in the assertion.  Only a
 * cookie is sent by a browser whoever made it ask, so only a cookie needs the
 * rule about origins (csrf.h).
 */
#ifndef AUTH_CREDENTIAL_H
#define AUTH_CREDENTIAL_H

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
 * The tokens of sessions that the credential shows, in their order: the first
 * whose session is live counts.  A browser sends several cookies of one name
 * when a site had them under other paths or domains, which we cannot take back.
 */
enum { CREDENTIAL_TOKENS_MAX = SESSION_COOKIE_TOKENS_MAX };
struct credential {
	enum credential_kind kind;
	const char *tokens[CREDENTIAL_TOKENS_MAX];
	size_t ntokens;
};

struct credential credential_of(const struct req *r);
/* "cookie", as the assertion has it. */
const char *credential_name(enum credential_kind kind);

#endif

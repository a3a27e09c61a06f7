#include "auth/http/session_cookie.h"

#include <stddef.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/http/auth_cookie.h"
#include "auth/http/signed_cookie.h"
#include "auth/plugin_set.h"
#include "base/arena.h"
#include "web/cookie.h"
#include "web/query.h"
#include "web/request.h"

/* session_data may be split into chunks: session_data.0, .1, ... */
enum { CHUNKS_MAX = 8 };

enum { SESSION_TOKEN, SESSION_DATA, DONT_REMEMBER };
const struct auth_cookie session_cookies[] = {
	[SESSION_TOKEN] = { "session_token" },
	[SESSION_DATA] = { "session_data" },
	[DONT_REMEMBER] = { "dont_remember" },
	{ 0 },
};
static const struct auth_cookie *const dont_remember =
    &session_cookies[DONT_REMEMBER];

size_t
session_cookie_tokens(
    const struct req *r, const char *ret_tokens[SESSION_COOKIE_TOKENS_MAX])
{
	const struct auth *auth = auth_of(r);
	const struct signed_cookie_key key =
	    auth_cookie_key(auth, auth->session_cookie);

	return signed_cookie_find_all(r->arena, &key, req_header(r, "COOKIE"),
	    ret_tokens, SESSION_COOKIE_TOKENS_MAX);
}

bool
session_cookie_is_brief(const struct req *r)
{
	return auth_cookie_find(r, dont_remember) != NULL;
}

static void
put(struct req *r, const char *name, const char *value, int64_t max_age_s)
{
	req_add_cookie(
	    r, cookie_write(r->arena, &(struct cookie){
					  .name = name,
					  .value = value,
					  .max_age_s = max_age_s,
					  .secure = auth_of(r)->secure,
				      }));
}

static void
tell_plugins(struct req *r, const char *value)
{
	const struct plugin_set *set = auth_of(r)->plugins;

	for (size_t i = 0; i < set->non; i++) {
		const struct auth_hooks *hooks = set->on[i]->hooks;

		if (hooks != NULL && hooks->session_cookie != NULL)
			hooks->session_cookie(r, value);
	}
}

/*
 * Sets the cookie dont_remember if the session ends with the browser (`brief`).
 * Otherwise clears it, if the client has it.
 */
static void
put_brief(struct req *r, bool brief)
{
	if (brief)
		auth_cookie_set(r, dont_remember, "true", COOKIE_SESSION);
	else if (session_cookie_is_brief(r))
		auth_cookie_clear(r, dont_remember);
}

void
session_cookie_postpone(struct req *r, bool brief)
{
	const struct auth *auth = auth_of(r);

	put_brief(r, brief);
	put(r, auth->session_cookie, "", 0);
	put(r, auth->data_cookie, "", 0);
}

void
session_cookie_forget_brief(struct req *r)
{
	auth_cookie_clear(r, dont_remember);
}

void
session_cookie_set(struct req *r, const char *token, bool brief)
{
	const struct auth *auth = auth_of(r);
	const char *value =
	    signed_value(r->arena, auth->secret, auth->secret_len, token);

	put(r, auth->session_cookie, percent_encode(r->arena, value),
	    brief ? COOKIE_SESSION : SESSION_TTL_S);
	tell_plugins(r, value);
	put_brief(r, brief);
}

void
session_cookie_clear_data(struct req *r)
{
	const char *header = req_header(r, "COOKIE");
	const char *name = auth_of(r)->data_cookie;

	if (header == NULL || strstr(header, name) == NULL)
		return;
	if (cookie_find(r->arena, header, name) != NULL)
		put(r, name, "", 0);
	for (int i = 0; i < CHUNKS_MAX; i++) {
		const char *chunk = arena_printf(r->arena, "%s.%d", name, i);

		if (cookie_find(r->arena, header, chunk) != NULL)
			put(r, chunk, "", 0);
	}
}

void
session_cookie_clear(struct req *r)
{
	const struct auth *auth = auth_of(r);

	put(r, auth->session_cookie, "", 0);
	put(r, auth->data_cookie, "", 0);
	auth_cookie_clear(r, dont_remember);
}

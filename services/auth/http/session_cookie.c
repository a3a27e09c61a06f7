#include "auth/http/session_cookie.h"

#include <stddef.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/http/signed_cookie.h"
#include "auth/plugin_set.h"
#include "base/arena.h"
#include "web/cookie.h"
#include "web/query.h"
#include "web/request.h"

/* session_data may be split into chunks: session_data.0, .1, ... */
enum { CHUNKS_MAX = 8 };

const struct auth_cookie session_cookies[] = {
	{ "session_token" },
	{ "session_data" },
	{ "dont_remember" },
	{ 0 },
};

static size_t
find(const struct req *r, const char *name, const char **ret_values, size_t max)
{
	const struct auth *auth = auth_of(r);

	return signed_cookie_find_all(r->arena,
	    &(struct signed_cookie_key){
		.secret = auth->secret,
		.secret_len = auth->secret_len,
		.name = name,
	    },
	    req_header(r, "COOKIE"), ret_values, max);
}

size_t
session_cookie_tokens(
    const struct req *r, const char *ret_tokens[SESSION_COOKIE_TOKENS_MAX])
{
	return find(r, auth_of(r)->session_cookie, ret_tokens,
	    SESSION_COOKIE_TOKENS_MAX);
}

bool
session_cookie_is_brief(const struct req *r)
{
	const char *value;

	return find(r, auth_of(r)->forget_cookie, &value, 1) == 1;
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
put_signed(
    struct req *r, const char *name, const char *value, int64_t max_age_s)
{
	const struct auth *auth = auth_of(r);

	put(r, name,
	    signed_cookie_write(
		r->arena, auth->secret, auth->secret_len, value),
	    max_age_s);
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

void
session_cookie_set(struct req *r, const char *token, bool brief)
{
	const struct auth *auth = auth_of(r);

	const char *value =
	    signed_value(r->arena, auth->secret, auth->secret_len, token);

	put(r, auth->session_cookie, percent_encode(r->arena, value),
	    brief ? COOKIE_SESSION : SESSION_TTL_S);
	tell_plugins(r, value);
	if (brief)
		put_signed(r, auth->forget_cookie, "true", COOKIE_SESSION);
	else if (session_cookie_is_brief(r))
		put(r, auth->forget_cookie, "", 0);
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
	put(r, auth->forget_cookie, "", 0);
}

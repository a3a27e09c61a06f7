#include "auth/http/credential.h"

#include <assert.h>
#include <stdbool.h>

#include "auth/auth.h"
#include "auth/http/session_cookie.h"
#include "auth/plugin_set.h"

static bool
find_of_plugins(const struct req *r, struct credential *ret)
{
	const struct plugin_set *set = auth_of(r)->plugins;

	for (size_t i = 0; i < set->non; i++) {
		const struct auth_hooks *hooks = set->on[i]->hooks;

		if (hooks != NULL && hooks->credential != NULL &&
		    hooks->credential(r, ret))
			return true;
	}
	return false;
}

struct credential
credential_of_cookies(const struct req *r)
{
	struct credential c = { .kind = CREDENTIAL_NONE };

	c.ntokens = session_cookie_tokens(r, c.tokens);
	if (c.ntokens > 0) {
		c.kind = CREDENTIAL_COOKIE;
		c.is_signed = true;
	}
	return c;
}

struct credential
credential_of(const struct req *r)
{
	struct credential c = { .kind = CREDENTIAL_NONE };

	return find_of_plugins(r, &c) ? c : credential_of_cookies(r);
}

const char *
credential_name(enum credential_kind kind)
{
	static const char *const names[CREDENTIAL__MAX] = {
		[CREDENTIAL_NONE] = "none",
		[CREDENTIAL_COOKIE] = "cookie",
		[CREDENTIAL_BEARER] = "bearer",
		[CREDENTIAL_API_KEY] = "api-key",
		[CREDENTIAL_DEVICE] = "device",
	};

	assert(kind < CREDENTIAL__MAX);
	return names[kind];
}

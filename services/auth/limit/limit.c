#include "auth/limit/limit.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/limit/address.h"
#include "auth/routes.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/str.h"
#include "cache/rate_limit.h"
#include "http/request.h"
#include "http/service.h"

/* Below these, passwords are asked for. */
static const char *const password_paths[] = {
	"/sign-in",
	"/sign-up",
	"/change-password",
	"/change-email",
};

static bool
asks_for_password(const char *path)
{
	for (size_t i = 0; i < COUNT_OF(password_paths); i++) {
		if (str_has_prefix(path, password_paths[i]))
			return true;
	}
	return false;
}

static enum err
take(struct req *r, const char *key, int64_t burst, int64_t period_ms)
{
	struct auth *auth = auth_of(r);
	int64_t retry_ms = 0;

	if (rate_limit_take(auth->process.limit, key, burst, period_ms,
		&retry_ms) == ERR_OK)
		return ERR_OK;
	r->retry_after_s = (retry_ms + 999) / 1000;
	if (r->retry_after_s < 1)
		r->retry_after_s = 1;
	return refuse(r, REFUSE_TOO_MANY);
}

enum err
limit_request(struct req *r)
{
	struct auth *auth = auth_of(r);
	const char *path = routes_path(r), *counted = path;
	char *trimmed;

	if (!auth->config->rate_limit || routes_is_internal(r))
		return ERR_OK;
	if (!routes_exists(path)) {
		/* A slash at the end is no way around the counter. */
		trimmed = arena_strdup(r->arena, path);
		for (size_t n = strlen(trimmed);
		     n > 0 && trimmed[n - 1] == '/';)
			trimmed[--n] = '\0';
		counted = routes_exists(trimmed) ? trimmed : "*";
	}
	return take(r,
	    arena_printf(r->arena, "ip|%s|%s",
		address_of(r->arena, r->client_ip), counted),
	    asks_for_password(path) ? LIMIT_PASSWORD_REQUESTS : LIMIT_REQUESTS,
	    LIMIT_PERIOD_MS);
}

enum refusal
limit_try(struct req *r, const char *account)
{
	char hex[SHA256_HEX_SIZE];

	if (!auth_of(r)->config->rate_limit)
		return REFUSE_NOT;
	/* Redis need not know who is being tried. */
	sha256_hex(account, strlen(account), hex);
	if (take(r,
		arena_printf(r->arena, "try|%.32s|%s", hex,
		    address_network(r->arena, r->client_ip)),
		LIMIT_TRIES, LIMIT_TRIES_PERIOD_MS) == ERR_OK)
		return REFUSE_NOT;
	return REFUSE_TOO_MANY;
}

#include "auth/plugin/bearer/bearer.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "auth/auth.h"
#include "auth/http/auth_cookie.h"
#include "auth/http/credential.h"
#include "auth/http/signed_cookie.h"
#include "auth/plugin_set.h"
#include "base/arena.h"
#include "base/config.h"
#include "web/origins.h"
#include "web/request.h"

enum { TOKEN_MAX_BYTES = 1024 };

struct bearer_config {
	bool require_signature;
};

/* clang-format off */
static const struct config_var vars[] = {
	{ CONFIG(struct bearer_config, require_signature,
	    "BEARER_REQUIRE_SIGNATURE"),
	  .fallback = "off",
	  .doc = "Accept only signed tokens, as in set-auth-token. Without it, "
	    "anybody can cause a database query per request with an "
	    "invented token. (requireSignature)" },
	{ 0 },
};
/* clang-format on */

static const char header_name[] = "set-auth-token";
static const char expose_name[] = "Access-Control-Expose-Headers";

/* The text after the scheme, without spaces; NULL: another scheme. */
static const char *
token_text(const struct req *r)
{
	static const char scheme[] = "bearer ";
	const char *header = req_header(r, "AUTHORIZATION");
	size_t len;

	if (header == NULL ||
	    strncasecmp(header, scheme, sizeof(scheme) - 1) != 0)
		return NULL;
	header += sizeof(scheme) - 1;
	header += strspn(header, " \t");
	len = strlen(header);
	while (len > 0 && strchr(" \t", header[len - 1]) != NULL)
		len--;
	return len <= TOKEN_MAX_BYTES ? arena_strndup(r->arena, header, len)
	                              : NULL;
}

/*
 * Whether the text may be a token of auth or BetterAuth, or of an imported
 * session.
 */
static bool
is_token(const char *text)
{
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text <= ' ' || *text >= 0x7f)
			return false;
	}
	return true;
}

/*
 * A dot distinguishes "TOKEN.MAC", the format of set-auth-token, from a bare
 * token.
 */
static bool
find_credential(const struct req *r, struct credential *ret)
{
	const struct auth *auth = auth_of(r);
	const struct bearer_config *config = plugin_config(auth, vars);
	const char *token = token_text(r);
	bool is_signed = token != NULL && strchr(token, '.') != NULL;

	if (is_signed) {
		const struct signed_cookie_key key =
		    auth_cookie_key(auth, auth->session_cookie);

		token = signed_value_read_either(r->arena, &key, token);
	} else if (config->require_signature) {
		token = NULL;
	}
	if (token == NULL || !is_token(token))
		return false;
	*ret = (struct credential){
		.kind = CREDENTIAL_BEARER,
		.is_signed = is_signed,
		.tokens = { token },
		.ntokens = 1,
	};
	return true;
}

/*
 * A request can set the cookie twice: when the session is refreshed, and then
 * again.
 */
static void
drop_header(struct response *response, const char *name)
{
	size_t len = strlen(name);
	int kept = 0;

	for (int i = 0; i < response->nheaders; i++) {
		const char *line = response->headers[i];

		if (strncmp(line, name, len) != 0 || line[len] != ':')
			response->headers[kept++] = line;
	}
	response->nheaders = kept;
}

static void
show_token(struct req *r, const char *value)
{
	const char *origin = req_header(r, "ORIGIN");

	drop_header(&r->response, header_name);
	drop_header(&r->response, expose_name);
	req_add_header(r, header_name, value);
	/* nginx adds the other CORS headers, for trusted origins only. */
	if (origin == NULL || origins_trust(auth_of(r)->origins, origin))
		req_add_header(r, expose_name, header_name);
}

static const struct auth_hooks hooks = {
	.credential = find_credential,
	.session_cookie = show_token,
};

const struct auth_plugin bearer_plugin = {
	.name = "bearer",
	.vars = vars,
	.config_size = sizeof(struct bearer_config),
	.hooks = &hooks,
};

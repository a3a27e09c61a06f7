#include "auth/provision/provision_routes.h"

#include <stdbool.h>
#include <stddef.h>
#include <strings.h>

#include "auth/auth.h"
#include "auth/http/refusal.h"
#include "auth/identity/user.h"
#include "auth/routes.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/jws.h"
#include "base/str.h"
#include "web/request.h"

enum { TOKEN_TTL_MAX_S = 60, CLOCK_SKEW_S = 5 };

struct status_out {
	bool status;
};

/* clang-format off */
static const struct field out_fields[] = {
	{ FIELD(struct status_out, status, "status"), .required = true },
	{ 0 },
};
/* clang-format on */

static bool
claims_hold(const struct json *claims, const char *service, int64_t now_s)
{
	int64_t iat, exp;

	return str_eq(json_member_string(claims, "iss"), service) &&
	       str_eq(json_member_string(claims, "aud"), "auth") &&
	       json_member_int(claims, "iat", &iat) &&
	       json_member_int(claims, "exp", &exp) &&
	       iat <= now_s + CLOCK_SKEW_S && exp > now_s - CLOCK_SKEW_S &&
	       exp <= now_s + TOKEN_TTL_MAX_S + CLOCK_SKEW_S;
}

const char *
provision_token_read(const struct auth *auth, struct arena *a,
    const char *token, int64_t now_s, const char **ret_user_id)
{
	for (size_t i = 0; i < auth->naudiences; i++) {
		const struct audience *from = &auth->audiences[i];
		const struct json *claims =
		    jws_verify(a, from->key, sizeof(from->key), token);
		const char *sub;

		if (claims == NULL && from->has_previous)
			claims = jws_verify(a, from->previous_key,
			    sizeof(from->previous_key), token);
		if (claims == NULL)
			continue;
		sub = json_member_string(claims, "sub");
		if (sub == NULL || *sub == '\0' ||
		    !claims_hold(claims, from->name, now_s))
			return NULL;
		*ret_user_id = sub;
		return from->name;
	}
	return NULL;
}

const char *
provision_service(const struct req *r, const char **ret_user_id)
{
	static const char scheme[] = "Bearer ";
	const char *header = req_header(r, "AUTHORIZATION");

	if (header == NULL ||
	    strncasecmp(header, scheme, sizeof(scheme) - 1) != 0)
		return NULL;
	return provision_token_read(auth_of(r), r->arena,
	    header + sizeof(scheme) - 1, clock_now_ms() / 1000, ret_user_id);
}

static enum err
provision(struct req *r, const void *in_struct, void *out_struct)
{
	struct status_out *out = out_struct;
	const char *service, *user_id;
	enum err e;

	(void)in_struct;
	service = provision_service(r, &user_id);
	if (service == NULL)
		return refuse(r, REFUSE_UNAUTHORIZED);
	r->user_id = user_id;
	e = user_provision(auth_of(r), r->arena, user_id, service);
	if (e == ERR_NOT_FOUND)
		return refuse(r, REFUSE_USER_NOT_FOUND);
	out->status = true;
	return e;
}

/* clang-format off */
const struct route provision_routes[] = {
	{ "POST", "/provision", provision,
	  .summary = "A base service has a record of the user (internal)",
	  .guard = GUARD_NONE, .flags = AUTH_INTERNAL,
	  .out = SCHEMA(struct status_out, out_fields),
	  .errors = BIT(ERR_UNAUTHENTICATED) | BIT(ERR_NOT_FOUND),
	  .unlisted = true },
	{ 0 },
};
/* clang-format on */

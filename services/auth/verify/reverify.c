#include "auth/verify/reverify.h"

#include <stdint.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/identity/session.h"
#include "auth/provision/provision_routes.h"
#include "auth/verify/assertion.h"
#include "auth/verify/guard.h"
#include "auth/verify/verdict.h"
#include "base/clock.h"
#include "base/str.h"
#include "web/identity.h"
#include "web/request.h"

/* Judges as verify did when the headers arrived, but with current data. */
static enum err
renew(struct req *r, const struct audience *audience,
    const struct identity *who, const char **ret_token, const char **ret_reason)
{
	int64_t now_ms = clock_now_ms();
	struct session_claims claims;
	struct strings roles;
	enum err e;

	*ret_reason = "ended";
	e = session_find_live(
	    auth_of(r), r->arena, who->session_id, who->user_id, &claims);
	if (e == ERR_NOT_FOUND)
		return ERR_UNAUTHENTICATED;
	*ret_reason = "unavailable";
	if (e != ERR_OK)
		return ERR_UNAVAILABLE;
	*ret_reason = "banned";
	if (guard_is_banned(&claims, now_ms))
		return ERR_FORBIDDEN;
	*ret_reason = "role";
	roles = guard_roles_of(r->arena, &claims);
	if (who->role_gated && !guard_roles_pass(&roles, &who->required_roles))
		return ERR_FORBIDDEN;
	*ret_reason = "oversized";
	*ret_token = assertion_sign(r->arena, audience,
	    &(struct assertion_facts){
		.claims = &claims,
		.credential = who->credential,
		.required_roles = who->role_gated ? &who->required_roles : NULL,
	    },
	    now_ms);
	return *ret_token != NULL ? ERR_OK : ERR_FORBIDDEN;
}

/*
 * Reads the service from its token, and the assertion that was issued for it.
 */
static const struct identity *
read_question(struct req *r, const struct audience **ret_audience)
{
	const struct audience *audience;
	const struct identity *who;
	struct identity_keys keys;
	const char *user_id;

	audience = auth_audience(auth_of(r), provision_service(r, &user_id));
	if (audience == NULL)
		return NULL;
	keys = audience_keys(audience);
	who = identity_verify_aged(r->arena, &keys, audience->name,
	    req_header(r, "KEDGE_ASSERTION"), clock_now_ms() / 1000);
	/*
	 * An assertion of an older release does not contain the required roles.
	 */
	if (who == NULL || !who->has_issued_ms ||
	    !str_eq(who->user_id, user_id))
		return NULL;
	*ret_audience = audience;
	return who;
}

enum err
reverify_request(struct req *r)
{
	const struct audience *audience;
	const struct identity *who = read_question(r, &audience);
	const char *token = NULL, *reason;
	enum err e;

	if (who == NULL)
		return verdict_deny(r, 401, "malformed");
	r->user_id = who->user_id;
	e = renew(r, audience, who, &token, &reason);
	if (e != ERR_OK)
		return verdict_deny(r, err_info(e)->status, reason);
	req_add_header(r, "Cache-Control", "no-store");
	req_answer(r, 200, "application/jwt", token, strlen(token));
	return ERR_OK;
}

enum err
reverify_own(struct req *r, UNUSED const char *assertion,
    const struct identity **ret_who)
{
	const struct audience *self = &auth_of(r)->self;
	const struct identity_keys keys = audience_keys(self);
	const char *token, *reason;
	enum err e = renew(r, self, r->identity, &token, &reason);

	if (e != ERR_OK)
		return e;
	*ret_who = identity_verify(
	    r->arena, &keys, self->name, token, clock_now_ms() / 1000);
	return *ret_who != NULL ? ERR_OK : ERR_INTERNAL;
}

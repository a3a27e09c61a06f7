#include "web/guard.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/str.h"
#include "web/identity.h"
#include "web/request.h"
#include "web/service.h"

static enum err
check_role(const struct req *r)
{
	const char *role = r->route->role;

	if (role != NULL && !strings_has(&r->identity->roles, role) &&
	    !strings_has(&r->identity->roles, "admin"))
		return ERR_FORBIDDEN;
	return ERR_OK;
}

enum err
guard_identify(const struct service *s, struct req *r)
{
	const struct route *route = r->route;
	const struct identity *who;
	int64_t now_s;

	if (route->guard == GUARD_NONE) {
		/*
		 * Without an identity only the service's guard hook can check
		 * the role: without that hook, everybody would pass.
		 */
		assert(route->role == NULL || s->hooks.guard != NULL);
		return ERR_OK;
	}
	if (s->identity_keys.current == NULL)
		return ERR_UNAUTHENTICATED;
	now_s = clock_now_ms() / 1000;
	who = identity_verify_aged(r->arena, &s->identity_keys, s->name,
	    req_param(r, "KEDGE_IDENTITY"), now_s);
	/*
	 * An expired assertion is accepted here only for a request with a body,
	 * which may have been slow; guard_confirm() then asks auth again.
	 */
	if (who == NULL ||
	    (identity_is_expired(who, now_s) && !req_has_body(r)))
		return ERR_UNAUTHENTICATED;
	r->identity = who;
	r->user_id = who->user_id;
	return check_role(r);
}

static bool
is_fresh(const struct req *r)
{
	const struct identity *who = r->identity;
	int64_t now_ms = clock_now_ms();
	int64_t age_ms = now_ms - who->issued_at_ms;

	if (identity_is_expired(who, now_ms / 1000))
		return false;
	/*
	 * If the assertion was issued in the future, by this host's clock, its
	 * age is not known.
	 */
	return req_is_safe(r) ||
	       (age_ms <= GUARD_FRESH_MS && age_ms >= -GUARD_FRESH_MS);
}

enum err
guard_confirm(const struct service *s, struct req *r)
{
	const struct identity *who = NULL;
	enum err e;

	if (r->identity == NULL || is_fresh(r))
		return ERR_OK;
	if (s->reverify == NULL)
		return ERR_UNAUTHENTICATED;
	e = s->reverify(r, req_param(r, "KEDGE_IDENTITY"), &who);
	if (e != ERR_OK)
		return e;
	/* The new assertion must be for the same user and session. */
	if (!str_eq(who->user_id, r->identity->user_id) ||
	    !str_eq(who->session_id, r->identity->session_id))
		return ERR_UNAUTHENTICATED;
	r->identity = who;
	return check_role(r);
}

#include "auth/http/gate.h"

#include "auth/auth.h"
#include "auth/http/csrf.h"
#include "auth/http/error.h"
#include "auth/http/limit.h"
#include "auth/http/refusal.h"
#include "auth/identity/session_routes.h"
#include "auth/plugin_set.h"
#include "auth/routes.h"
#include "base/str.h"
#include "web/request.h"
#include "web/service.h"

enum err
gate_before(struct req *r)
{
	/*
	 * Responses contain tokens and personal data: they must not be cached.
	 */
	req_add_header(r, "Cache-Control", "no-store");
	return limit_request(r);
}

static enum err
ask_plugins(struct req *r)
{
	const struct plugin_set *set = auth_of(r)->plugins;
	enum err e = ERR_OK;

	for (size_t i = 0; i < set->non && e == ERR_OK; i++) {
		const struct auth_hooks *hooks = set->on[i]->hooks;

		if (hooks != NULL && hooks->screen != NULL)
			e = hooks->screen(r);
	}
	return e;
}

enum err
gate_screen(struct req *r)
{
	enum core_refusal why;
	enum err e;

	if ((r->route->flags & AUTH_INTERNAL) != 0)
		return routes_is_internal(r) ? ERR_OK : ERR_NOT_FOUND;
	/*
	 * nginx has verified this request, which includes verify's check of the
	 * origin.
	 */
	if (r->identity != NULL)
		return ERR_OK;
	/* BetterAuth's routes do not have HEAD. */
	if (str_eq(r->method, "HEAD"))
		return ERR_METHOD;
	why = csrf_check_origin(r);
	if (why != REFUSE_NOT)
		return refuse(r, why);
	e = csrf_check_targets(r);
	return e != ERR_OK ? e : ask_plugins(r);
}

enum err
gate_guard(struct req *r)
{
	unsigned flags = r->route->flags;
	enum err e = error_check_formats(r);

	if (e == ERR_OK && (flags & AUTH_FORM_CSRF) != 0)
		e = refuse(r, csrf_check_form(r));
	if (e == ERR_OK && (flags & AUTH_SESSION) != 0)
		e = session_require(r, (flags & AUTH_FRESH) != 0);
	return e;
}

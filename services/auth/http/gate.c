#include "auth/http/gate.h"

#include "auth/http/csrf.h"
#include "auth/http/error.h"
#include "auth/http/limit.h"
#include "auth/http/refusal.h"
#include "auth/identity/session_routes.h"
#include "auth/routes.h"
#include "base/str.h"
#include "web/request.h"
#include "web/service.h"

enum err
gate_before(struct req *r)
{
	/* Tokens and people: nothing here is for a cache to keep. */
	req_add_header(r, "Cache-Control", "no-store");
	return limit_request(r);
}

enum err
gate_screen(struct req *r)
{
	enum refusal why;

	if ((r->route->flags & AUTH_INTERNAL) != 0)
		return routes_is_internal(r) ? ERR_OK : ERR_NOT_FOUND;
	/* What nginx had verified has passed verify's rule of origins. */
	if (r->identity != NULL)
		return ERR_OK;
	/* BetterAuth's routes know no HEAD. */
	if (str_eq(r->method, "HEAD"))
		return ERR_METHOD;
	why = csrf_check_origin(r);
	return why != REFUSE_NOT ? refuse(r, why) : csrf_check_targets(r);
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

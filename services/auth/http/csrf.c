#include "auth/http/csrf.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "auth/auth.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "web/origins.h"
#include "web/query.h"
#include "web/request.h"

bool
csrf_is_safe_method(const char *method)
{
	return str_eq(method, "GET") || str_eq(method, "HEAD") ||
	       str_eq(method, "OPTIONS");
}

static bool
is_given(const char *header)
{
	return header != NULL && *header != '\0';
}

static enum core_refusal
check_origin(const struct req *r)
{
	const struct origins *origins = auth_of(r)->origins;
	const char *origin = req_header(r, "ORIGIN");

	/*
	 * A page without a referrer policy sends "null" even to its own site.
	 */
	if (str_eq(origin, "null") &&
	    str_eq(req_header(r, "SEC_FETCH_SITE"), "same-origin"))
		origin = origins_own(origins);
	if (!is_given(origin))
		origin = req_header(r, "REFERER");
	if (!is_given(origin) || str_eq(origin, "null"))
		return REFUSE_MISSING_OR_NULL_ORIGIN;
	return origins_trust(origins, origin) ? REFUSE_NOT
	                                      : REFUSE_INVALID_ORIGIN;
}

enum core_refusal
csrf_check_origin(const struct req *r)
{
	if (csrf_is_safe_method(r->method) ||
	    !is_given(req_header(r, "COOKIE")))
		return REFUSE_NOT;
	return check_origin(r);
}

enum core_refusal
csrf_check_form(const struct req *r)
{
	const char *site = req_header(r, "SEC_FETCH_SITE");
	const char *mode = req_header(r, "SEC_FETCH_MODE");

	if (is_given(req_header(r, "COOKIE")))
		return check_origin(r);
	if (str_eq(site, "cross-site") && str_eq(mode, "navigate"))
		return REFUSE_CROSS_SITE_NAVIGATION;
	if (is_given(site) || is_given(mode) ||
	    is_given(req_header(r, "SEC_FETCH_DEST")) ||
	    is_given(req_header(r, "ORIGIN")) ||
	    is_given(req_header(r, "REFERER")))
		return check_origin(r);
	return REFUSE_NOT; /* no browser */
}

struct target {
	const char *name;
	const char
	    *label; /* used in the message when the value is not a string */
	enum core_refusal why;
};

static const struct target targets[] = {
	{ "callbackURL", "callbackURL", REFUSE_INVALID_CALLBACK_URL },
	{ "redirectTo", "redirectURL", REFUSE_INVALID_REDIRECT_URL },
	{ "errorCallbackURL", "errorCallbackURL",
	    REFUSE_INVALID_ERROR_CALLBACK_URL },
	{ "newUserCallbackURL", "newUserCallbackURL",
	    REFUSE_INVALID_NEW_USER_CALLBACK_URL },
};

static bool
is_falsy(const struct json *j)
{
	switch (json_kind(j)) {
	case JSON_KIND_NULL:
		return true;
	case JSON_KIND_BOOL:
		return !json_get_bool(j);
	case JSON_KIND_INT:
		return json_get_int(j) == 0;
	case JSON_KIND_REAL:
		return json_get_real(j) == 0;
	case JSON_KIND_STRING:
		return *json_get_string(j) == '\0';
	case JSON_KIND_ARRAY:
	case JSON_KIND_OBJECT:
		break;
	}
	return false;
}

static enum err
check_url(struct req *r, const struct target *target, const char *url)
{
	if (!is_given(url) || origins_trust_target(auth_of(r)->origins, url))
		return ERR_OK;
	return refuse(r, target->why);
}

enum err
csrf_check_targets(struct req *r)
{
	bool in_body = false;

	if (csrf_is_safe_method(r->method))
		return ERR_OK;
	for (size_t i = 0; i < COUNT_OF(targets); i++) {
		const struct target *target = &targets[i];
		const struct json *j =
		    r->body != NULL ? json_member(r->body, target->name) : NULL;
		enum err e;

		if (j == NULL || is_falsy(j))
			continue;
		if (json_kind(j) != JSON_KIND_STRING)
			return req_fail(r, ERR_INVALID, REFUSAL_NO_CODE,
			    arena_printf(r->arena,
				"Invalid %s: expected a string",
				target->label));
		in_body |= i == 0;
		e = check_url(r, target, json_get_string(j));
		if (e != ERR_OK)
			return e;
	}
	if (in_body)
		return ERR_OK;
	return check_url(r, &targets[0],
	    query_find(r->arena, r->query, targets[0].name, NULL));
}

bool
csrf_allows(const struct origins *o, const struct csrf_facts *facts)
{
	const char *origin = facts->origin;

	if (csrf_is_safe_method(facts->method) &&
	    (!is_given(facts->upgrade) || !is_given(origin)))
		return true;
	if (is_given(origin) && !str_eq(origin, "null"))
		return origins_trust(o, origin);
	if (is_given(facts->fetch_site))
		return str_eq(facts->fetch_site, "same-origin") ||
		       str_eq(facts->fetch_site, "none");
	return !is_given(origin) && is_given(facts->referer) &&
	       origins_trust(o, facts->referer);
}

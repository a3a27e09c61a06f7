#include "auth/identity/session_routes.h"

#include <stdbool.h>
#include <stddef.h>

#include "auth/auth.h"
#include "auth/http/credential.h"
#include "auth/http/refusal.h"
#include "auth/http/session_cookie.h"
#include "auth/identity/columns.h"
#include "auth/identity/session.h"
#include "auth/identity/session_view.h"
#include "auth/identity/user_view.h"
#include "auth/plugin_set.h"
#include "auth/routes.h"
#include "base/arena.h"
#include "base/str.h"
#include "web/query.h"
#include "web/request.h"
#include "web/service.h"

struct found_out {
	const void *session;
	const void *user;
};
struct token_in {
	const char *token;
};
struct status_out {
	bool status;
};
struct update_in {
	struct column_slot columns[COLUMNS_MAX];
};
struct update_out {
	const void *session;
};
struct sign_out_in {
	const char *callback_url;
	bool disable_redirect;
	const char *state;
};
struct success_out {
	bool success;
};

/* clang-format off */
static const struct field found_fields[] = {
	{ FIELD(struct found_out, session, "session"), .required = true,
	  .of = &session_schema },
	{ FIELD(struct found_out, user, "user"), .required = true,
	  .of = &user_schema },
	{ 0 },
};
static const struct field token_fields[] = {
	{ FIELD(struct token_in, token, "token"), .required = true,
	  .doc = "The token of one of the user's sessions." },
	{ 0 },
};
static const struct field status_fields[] = {
	{ FIELD(struct status_out, status, "status"), .required = true },
	{ 0 },
};
static const struct field sign_out_fields[] = {
	{ FIELD(struct sign_out_in, callback_url, "callbackURL"),
	  .doc = "Accepted for BetterAuth's clients; nothing redirects." },
	{ FIELD(struct sign_out_in, disable_redirect, "disableRedirect") },
	{ FIELD(struct sign_out_in, state, "state") },
	{ 0 },
};
static const struct field success_fields[] = {
	{ FIELD(struct success_out, success, "success"), .required = true },
	{ 0 },
};
/* The fields of the application and of plugins, which are added at start. */
static struct field update_fields[1 + COLUMNS_MAX];
static const struct field updated_fields[] = {
	{ FIELD(struct update_out, session, "session"), .required = true,
	  .of = &session_schema },
	{ 0 },
};
/* Read by query_flag(), because no schema has its rules. */
static const struct field session_query[] = {
	{ .name = "disableCookieCache", .from = FROM_QUERY,
	  .doc = "Accepted for BetterAuth's clients; there is no such cache." },
	{ .name = "disableRefresh", .from = FROM_QUERY,
	  .doc = "Any text but the empty one: the session's end stays as it "
	    "is." },
	{ 0 },
};
/* clang-format on */

void
session_routes_compose(const struct plugin_set *set)
{
	update_fields[0] = (struct field){ 0 };
	columns_add_in(&set->session_columns, update_fields,
	    offsetof(struct update_in, columns));
}

/* BetterAuth takes any non-empty text for true, even "false". */
static bool
query_flag(const struct req *r, const char *name)
{
	int count = 0;
	const char *value = query_find(r->arena, r->query, name, &count);

	return count > 1 || (value != NULL && *value != '\0');
}

/*
 * Called when the credential has no valid session, or its user is banned.  If
 * it is not the session cookie but the browser has one, that cookie is kept: it
 * may be of another, valid session.
 */
static void
clear_used_cookie(struct req *r, const struct credential *c)
{
	if (c->kind == CREDENTIAL_COOKIE ||
	    credential_of_cookies(r).ntokens == 0)
		session_cookie_clear(r);
}

/* Finds the first of the request's sessions that is valid, and its token. */
static enum err
find_first(struct req *r, bool refresh, struct session_found *ret_found,
    const char **ret_token, bool *ret_refreshed)
{
	struct credential c = credential_of(r);
	enum err e = ERR_NOT_FOUND;

	for (size_t i = 0; i < c.ntokens && e == ERR_NOT_FOUND; i++) {
		*ret_token = c.tokens[i];
		e = session_find(auth_of(r), r->arena, c.tokens[i], refresh,
		    ret_found, ret_refreshed);
	}
	if (c.ntokens > 0 && e == ERR_NOT_FOUND)
		clear_used_cookie(r, &c);
	return e;
}

/* Like session_find(), and updates the browser's cookies. */
static enum err
find_session(struct req *r, struct session_found *ret_found)
{
	bool keep =
	    session_cookie_is_brief(r) || query_flag(r, "disableRefresh");
	const char *token;
	bool refreshed;
	enum err e =
	    find_first(r, /* refresh= */ !keep, ret_found, &token, &refreshed);

	if (e != ERR_OK)
		return e;
	r->user_id = ret_found->user.id;
	if (refreshed)
		session_cookie_set(r, token, /* brief= */ false);
	return ERR_OK;
}

enum err
session_require(struct req *r, int fresh)
{
	struct session_found *found = arena_alloc(r->arena, sizeof(*found));
	enum err e = find_session(r, found);

	if (e == ERR_NOT_FOUND)
		return refuse(r, REFUSE_UNAUTHORIZED);
	if (e != ERR_OK)
		return e;
	if (found->user.is_banned)
		return refuse(r, REFUSE_BANNED);
	if (fresh && !found->is_fresh)
		return refuse(r, REFUSE_NOT_FRESH);
	r->session = found;
	return ERR_OK;
}

enum err
session_try(struct req *r)
{
	struct session_found *found = arena_alloc(r->arena, sizeof(*found));
	enum err e = find_session(r, found);

	if (e != ERR_OK)
		return e;
	if (found->user.is_banned)
		return ERR_NOT_FOUND;
	r->session = found;
	return ERR_OK;
}

enum err
session_look(struct req *r)
{
	struct session_found *found = arena_alloc(r->arena, sizeof(*found));
	enum err e = find_session(r, found);

	if (e == ERR_OK && !found->user.is_banned)
		r->session = found;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

const struct session_found *
session_of(const struct req *r)
{
	return r->session;
}

static enum err
get_session(struct req *r, const void *in_struct, void *out_struct)
{
	struct found_out *out = out_struct;
	struct session_found *found = arena_alloc(r->arena, sizeof(*found));
	struct session_out *session = arena_alloc(r->arena, sizeof(*session));
	enum err e;

	(void)in_struct;
	req_add_header(r, "Pragma", "no-cache");
	session_cookie_clear_data(r);
	e = find_session(r, found);
	if (e == ERR_OK && found->user.is_banned) {
		struct credential c = credential_of(r);

		clear_used_cookie(r, &c);
		e = ERR_NOT_FOUND;
	}
	if (e == ERR_NOT_FOUND) {
		req_answer(r, 200, "application/json", "null", 4);
		return ERR_OK;
	}
	if (e != ERR_OK)
		return e;
	session_view(&found->session, session);
	out->session = session;
	out->user = user_view(auth_of(r), r->arena, &found->user);
	return ERR_OK;
}

static enum err
post_session(struct req *r, const void *in_struct, void *out_struct)
{
	(void)in_struct;
	(void)out_struct;
	req_add_header(r, "Pragma", "no-cache");
	return refuse(r, REFUSE_DEFER_SESSION_REQUIRED);
}

static enum err
list_sessions(struct req *r, const void *in_struct, void *out_struct)
{
	struct objects *out = out_struct;
	const struct session *sessions;
	struct session_out *items;
	size_t count;
	enum err e;

	(void)in_struct;
	e = session_list(
	    auth_of(r), r->arena, &session_of(r)->session, &sessions, &count);
	if (e != ERR_OK)
		return e;
	items = arena_alloc(r->arena, count * sizeof(*items));
	*out = (struct objects){ .items = items, .count = count };
	for (size_t i = 0; i < count; i++)
		session_view(&sessions[i], &items[i]);
	return ERR_OK;
}

/* Refuses a body that sets what it may not, or nothing. */
static enum err
check_update(struct req *r, const struct column_values *values)
{
	const struct columns *columns = session_plugin_columns();
	const char *forbidden =
	    columns_forbidden(columns, r->body, /* creating= */ false);
	bool any = false;

	if (forbidden != NULL)
		return refuse_field(r, forbidden);
	for (size_t i = 0; i < columns->count; i++) {
		if (values->set[i] && values->texts[i] == NULL &&
		    columns->items[i]->is_required)
			return req_invalid(
			    r, columns->items[i]->name, "must not be null");
		any = any || values->set[i];
	}
	return any ? ERR_OK : refuse(r, REFUSE_NO_FIELDS_TO_UPDATE);
}

static enum err
update_session(struct req *r, const void *in_struct, void *out_struct)
{
	const struct update_in *in = in_struct;
	struct update_out *out = out_struct;
	struct session_out *view = arena_alloc(r->arena, sizeof(*view));
	const char *token = session_of(r)->session.token;
	struct column_values values = { 0 };
	struct session session;
	enum err e;

	/* Without fields of the application nobody has read the body. */
	if (r->body == NULL)
		return refuse(r, REFUSE_NO_FIELDS_TO_UPDATE);
	columns_take(
	    session_plugin_columns(), r->arena, r->body, in->columns, &values);
	e = check_update(r, &values);
	if (e == ERR_OK)
		e = session_update(
		    auth_of(r)->process.db, r->arena, token, &values, &session);
	if (e == ERR_NOT_FOUND) /* the session has just ended */
		return refuse(r, REFUSE_UNAUTHORIZED);
	if (e != ERR_OK)
		return e;
	session_cookie_set(r, token, session_cookie_is_brief(r));
	session_view(&session, view);
	out->session = view;
	return ERR_OK;
}

/* Returns ERR_OK only when all of these sessions have really ended. */
static enum err
end_sessions(struct req *r, const struct credential *c)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < c->ntokens && e == ERR_OK; i++)
		e = c->is_signed
		        ? session_end(auth_of(r), r->arena, c->tokens[i])
		        : session_end_unsigned(
			      auth_of(r), r->arena, c->tokens[i]);
	return e;
}

/*
 * Ends every session whose cookie the request has: cookies of another path
 * cannot be deleted, and the next one would be used then.  If another
 * credential has precedence, the cookies' sessions end, too, because the
 * cookies are cleared; the origin of a request with cookies has been checked.
 */
static enum err
sign_out(struct req *r, const void *in_struct, void *out_struct)
{
	struct success_out *out = out_struct;
	struct credential cookies = credential_of_cookies(r);
	struct credential c = credential_of(r);
	enum err e = end_sessions(r, &cookies);

	(void)in_struct;
	if (e == ERR_OK && c.kind != CREDENTIAL_COOKIE)
		e = end_sessions(r, &c);
	if (e != ERR_OK)
		return e;
	session_cookie_clear(r);
	out->success = true;
	return ERR_OK;
}

static enum err
revoke_session(struct req *r, const void *in_struct, void *out_struct)
{
	const struct token_in *in = in_struct;
	struct status_out *out = out_struct;
	const struct session_found *found = session_of(r);
	enum err e =
	    session_end_own(auth_of(r), r->arena, in->token, found->user.id);

	if (e == ERR_OK && str_eq(in->token, found->session.token))
		session_cookie_clear(r);
	out->status = true;
	return e;
}

static enum err
revoke_sessions(struct req *r, const void *in_struct, void *out_struct)
{
	struct status_out *out = out_struct;
	enum err e;

	(void)in_struct;
	e = session_end_all(auth_of(r), r->arena, session_of(r)->user.id,
	    /* kept_token= */ NULL);
	if (e == ERR_OK)
		session_cookie_clear(r);
	out->status = true;
	return e;
}

static enum err
revoke_other_sessions(struct req *r, const void *in_struct, void *out_struct)
{
	struct status_out *out = out_struct;

	(void)in_struct;
	out->status = true;
	return session_end_all(auth_of(r), r->arena, session_of(r)->user.id,
	    session_of(r)->session.token);
}

/* clang-format off */
const struct route session_routes[] = {
	{ "GET", "/get-session", get_session,
	  .summary = "The session and its user, or null",
	  .guard = GUARD_NONE,
	  .out = { .size = sizeof(struct found_out), .fields = found_fields,
	    .nullable = true },
	  .errors = BIT(ERR_RATE_LIMITED), .query = session_query },
	{ "POST", "/get-session", post_session,
	  .summary = "Not available: refreshing is not deferred",
	  .guard = GUARD_NONE, .errors = BIT(ERR_METHOD) | BIT(ERR_FORBIDDEN),
	  .unlisted = true },
	{ "GET", "/list-sessions", list_sessions,
	  .summary = "The user's live sessions, newest first, at most 500",
	  .guard = GUARD_NONE, .flags = AUTH_SESSION | AUTH_FRESH,
	  .out = { .name = "Session", .size = sizeof(struct session_out),
	    .fields = session_rows, .array = true },
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_RATE_LIMITED) },
	{ "POST", "/update-session", update_session,
	  .summary = "Change the session's additional fields",
	  .guard = GUARD_NONE, .flags = AUTH_SESSION | AUTH_BODY_RECORD,
	  .in = SCHEMA(struct update_in, update_fields),
	  .out = SCHEMA(struct update_out, updated_fields),
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_RATE_LIMITED) },
	{ "POST", "/sign-out", sign_out,
	  .summary = "End this session",
	  .guard = GUARD_NONE, .body_optional = true,
	  .in = SCHEMA(struct sign_out_in, sign_out_fields),
	  .out = SCHEMA(struct success_out, success_fields),
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_RATE_LIMITED) },
	{ "POST", "/revoke-session", revoke_session,
	  .summary = "End one of the user's sessions",
	  .guard = GUARD_NONE, .flags = AUTH_SESSION,
	  .in = SCHEMA(struct token_in, token_fields),
	  .out = SCHEMA(struct status_out, status_fields),
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_RATE_LIMITED) },
	{ "POST", "/revoke-sessions", revoke_sessions,
	  .summary = "End all of the user's sessions",
	  .guard = GUARD_NONE, .flags = AUTH_SESSION,
	  .out = SCHEMA(struct status_out, status_fields),
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_RATE_LIMITED) },
	{ "POST", "/revoke-other-sessions", revoke_other_sessions,
	  .summary = "End all of the user's sessions but this one",
	  .guard = GUARD_NONE, .flags = AUTH_SESSION,
	  .out = SCHEMA(struct status_out, status_fields),
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */

#include "auth/verify/verify.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/http/credential.h"
#include "auth/http/csrf.h"
#include "auth/identity/session.h"
#include "auth/identity/user.h"
#include "auth/log_events.h"
#include "auth/routes.h"
#include "auth/verify/assertion.h"
#include "auth/verify/guard.h"
#include "auth/verify/plain_identity.h"
#include "auth/verify/reverify.h"
#include "auth/verify/verdict.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "cache/cache.h"
#include "web/identity.h"
#include "web/query.h"
#include "web/request.h"
#include "web/service.h"

enum { RETURN_PATH_MAX = 1024 };

struct question {
	const struct audience *audience;
	enum guard guard;
	const char *method;
};

static bool
read_question(const struct req *r, struct question *ret_question)
{
	struct question q = { .method = req_param(r, "KEDGE_METHOD") };

	q.audience = auth_audience(auth_of(r), req_param(r, "KEDGE_AUDIENCE"));
	if (q.audience == NULL || q.method == NULL || *q.method == '\0' ||
	    !guard_read(req_param(r, "KEDGE_GUARD"), &q.guard))
		return false;
	*ret_question = q;
	return true;
}

static bool
contains(const char *header, const char *word)
{
	return header != NULL && strstr(header, word) != NULL;
}

/* A user who follows a link, not a script that expects a response. */
static bool
is_navigation(const struct req *r, const char *method)
{
	const char *mode = req_header(r, "SEC_FETCH_MODE");

	if (!str_eq(method, "GET") && !str_eq(method, "HEAD"))
		return false;
	if (mode != NULL)
		return str_eq(mode, "navigate");
	return req_header(r, "SEC_FETCH_SITE") == NULL &&
	       req_header(r, "SEC_FETCH_DEST") == NULL &&
	       contains(req_header(r, "ACCEPT"), "text/html");
}

/* RFC 3986 section 3.3: characters that a path may contain unencoded. */
static const char path_bytes[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789-._~!$&'()*+,;=:@/";

static void
put_path(struct buf *b, const char *path)
{
	for (; *path != '\0'; path++) {
		if (strchr(path_bytes, *path) != NULL)
			buf_putc(b, *path);
		else
			buf_printf(b, "%%%02X", (unsigned char)*path);
	}
}

/* The path as the client sent it, except for bytes that no URL may contain. */
static void
put_query(struct buf *b, const char *query)
{
	for (; *query != '\0'; query++) {
		if (*query > ' ' && *query < 0x7f)
			buf_putc(b, *query);
		else
			buf_printf(b, "%%%02X", (unsigned char)*query);
	}
}

/*
 * Where to return after signing in: the path as normalised by nginx, with the
 * query as it was sent.  A browser never takes it for a host.
 */
static const char *
return_path(struct req *r)
{
	const char *raw = req_param(r, "KEDGE_RAW_URI");
	const char *query = raw != NULL ? strchr(raw, '?') : NULL;
	const char *path;
	struct buf b;

	if (r->path[0] != '/' || r->path[1] == '/' || r->path[1] == '\\')
		return "%2F";
	buf_init(&b, r->arena, RETURN_PATH_MAX);
	put_path(&b, r->path);
	if (query != NULL)
		put_query(&b, query);
	path = percent_encode(r->arena, b.data);
	return !buf_failed(&b) && strlen(path) <= RETURN_PATH_MAX ? path
	                                                          : "%2F";
}

static enum err
ask_to_sign_in(struct req *r, const struct question *q, const char *reason)
{
	if (is_navigation(r, q->method))
		req_add_header(r, "Location",
		    arena_printf(r->arena, "/?next=%s", return_path(r)));
	return verdict_deny(r, 401, reason);
}

static enum err
answer_identity(struct req *r, const struct question *q,
    const struct assertion_facts *facts, int64_t now_ms)
{
	const char *token =
	    assertion_sign(r->arena, q->audience, facts, now_ms);

	/* This is not an outage: every attempt would fail in the same way. */
	if (token == NULL)
		return verdict_deny(r, 403, "oversized");
	req_add_header(r, "Kedge-Identity", token);
	if (str_eq(req_param(r, "KEDGE_HEADERS"), "1"))
		plain_identity_add(r, facts->claims);
	return verdict_answer(r, 204);
}

/* The user is known: decides whether they may pass. */
static enum err
judge(struct req *r, const struct question *q, enum credential_kind kind,
    const struct session_claims *claims)
{
	int64_t now_ms = clock_now_ms();
	struct assertion_facts facts;
	struct strings roles, wanted;

	r->user_id = claims->user_id;
	if (guard_is_banned(claims, now_ms))
		return q->guard == GUARD_OPEN ? verdict_answer(r, 204)
		                              : verdict_deny(r, 403, "banned");
	if (kind == CREDENTIAL_COOKIE &&
	    !csrf_allows(auth_of(r)->origins,
		&(struct csrf_facts){
		    .method = q->method,
		    .origin = req_header(r, "ORIGIN"),
		    .referer = req_header(r, "REFERER"),
		    .fetch_site = req_header(r, "SEC_FETCH_SITE"),
		    .upgrade = req_header(r, "UPGRADE"),
		}))
		return verdict_deny(r, 403, "origin");
	facts = (struct assertion_facts){
		.claims = claims,
		.credential = credential_name(kind),
	};
	if (q->guard == GUARD_ROLES) {
		const char *list = req_param(r, "KEDGE_ROLES");

		roles = guard_roles_of(r->arena, claims);
		wanted = user_list(r->arena, list != NULL ? list : "");
		if (!guard_roles_pass(&roles, &wanted))
			return verdict_deny(r, 403, "role");
		facts.required_roles = &wanted;
	}
	return answer_identity(r, q, &facts, now_ms);
}

/* The sessions whose cookies a request has, in order. */
struct shown {
	enum credential_kind kind;
	size_t n;
	struct session_lookup sessions[CREDENTIAL_TOKENS_MAX];
};

static struct shown *
read_shown(struct req *r)
{
	struct shown *s = arena_alloc(r->arena, sizeof(*s));
	struct credential c = credential_of(r);

	s->kind = c.kind;
	s->n = c.ntokens;
	for (size_t i = 0; i < s->n; i++) {
		s->sessions[i].arena = r->arena;
		s->sessions[i].token = c.tokens[i];
	}
	return s;
}

static size_t
add_lookups(struct shown *s, struct session_lookup **lookups, size_t n)
{
	for (size_t i = 0; i < s->n; i++)
		lookups[n++] = &s->sessions[i];
	return n;
}

/*
 * Whether the request can be answered without PostgreSQL: it shows no session,
 * or the cache knows the session.
 */
static bool
is_ready(const struct shown *s)
{
	return s->n == 0 || s->sessions[0].known;
}

/*
 * A request without a session cookie needs no look-up.  While Redis is
 * unavailable, threads find out when it is back, because that can take some
 * time.
 */
void
verify_prefetch(void *app, struct req *const *rs, bool *ret_ready, size_t n)
{
	struct session_lookup
	    *wanted[SERVICE_PREFETCH_MAX * CREDENTIAL_TOKENS_MAX];
	struct auth *auth = app;
	struct cache *cache = auth->process.cache;
	bool away = cache == NULL || cache_is_away(cache);
	size_t nwanted = 0;

	static_assert(COUNT_OF(wanted) <= SESSION_LOOKUPS_MAX,
	    "all of a round are looked up at once");
	for (size_t i = 0; i < n; i++) {
		struct shown *s;

		if (routes_is_internal(rs[i]))
			continue; /* reverify reads from PostgreSQL */
		s = read_shown(rs[i]);
		if (s->n == 0 || !away)
			rs[i]->prefetched = s;
		nwanted = add_lookups(s, wanted, nwanted);
	}
	if (!away)
		session_look_up(auth, wanted, nwanted);
	for (size_t i = 0; i < n; i++)
		ret_ready[i] =
		    rs[i]->prefetched != NULL && is_ready(rs[i]->prefetched);
}

bool
verify_is_still_ready(void *app, struct req *r)
{
	struct shown *s = r->prefetched;

	return s->n == 0 || session_confirm(app, &s->sessions[0]);
}

static struct shown *
look_up(struct req *r)
{
	struct session_lookup *wanted[CREDENTIAL_TOKENS_MAX];
	struct shown *s = r->prefetched;

	if (s == NULL) {
		s = read_shown(r);
		session_look_up(auth_of(r), wanted, add_lookups(s, wanted, 0));
	}
	return s;
}

/* Finds the first valid session, in Redis or PostgreSQL. */
static enum err
settle(struct req *r, struct shown *s, struct session_claims *ret_claims)
{
	enum err e = ERR_NOT_FOUND;

	for (size_t i = 0; i < s->n && e == ERR_NOT_FOUND; i++)
		e = session_settle(auth_of(r), &s->sessions[i], ret_claims);
	return e;
}

static const char *
no_session_reason(const struct req *r, const struct shown *shown)
{
	if (shown->n > 0)
		return shown->kind == CREDENTIAL_BEARER ? "ended_token"
		                                        : "ended";
	return req_header(r, "AUTHORIZATION") != NULL ? "authorization_unread"
	                                              : "no_session";
}

enum err
verify_request(struct req *r)
{
	struct session_claims claims;
	struct shown *shown;
	struct question q;
	enum err e;

	if (routes_is_internal(r)) {
		r->line.route = "/reverify";
		r->line.is_subrequest =
		    false; /* this request is not a subrequest of nginx */
		return reverify_request(r);
	}
	shown = look_up(r);
	if (!read_question(r, &q)) {
		log_event(LOG_ERROR, EVENT_VERIFY_REQUEST_INVALID,
		    LOG_TEXT("audience", req_param(r, "KEDGE_AUDIENCE")),
		    LOG_TEXT("guard", req_param(r, "KEDGE_GUARD")),
		    LOG_TEXT("method", req_param(r, "KEDGE_METHOD")));
		return verdict_deny(r, 500, "unclear");
	}
	e = settle(r, shown, &claims);
	if (e == ERR_OK)
		return judge(r, &q, shown->kind, &claims);
	if (e == ERR_UNAVAILABLE)
		return verdict_deny(r, 503, "unavailable");
	if (e != ERR_NOT_FOUND)
		return verdict_deny(r, 500, "failed");
	if (q.guard == GUARD_OPEN)
		return verdict_answer(r, 204);
	return ask_to_sign_in(r, &q, no_session_reason(r, shown));
}

void
verify_write_error(struct req *r, enum err e)
{
	/*
	 * A client's mistake must not look like an outage, as every status
	 * except 2xx, 401 and 403 does to nginx.
	 */
	bool refused = e == ERR_INVALID || e == ERR_TOO_LARGE;

	verdict_note(r, refused ? "malformed" : "failed");
	req_answer(r, refused ? 403 : err_info(e)->status, NULL, NULL, 0);
}

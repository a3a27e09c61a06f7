#include "links/redirect/redirect_routes.h"

#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "cache/rate_limit.h"
#include "links/click/click_table.h"
#include "links/link/link_slug.h"
#include "links/link/link_store.h"
#include "links/link/link_view.h"
#include "links/links.h"
#include "links/password/link_password.h"
#include "links/redirect/redirect_cache.h"
#include "links/redirect/redirect_page.h"
#include "web/flow_key.h"
#include "web/user_agent.h"

enum {
	LOOKUP_PERIOD_MS = 10000,
	DAY_MS = 24 * 3600 * 1000,
	PASSWORD_TEXT_MAX = 128,
	/* Each byte of the password as %XX, and the name of the field. */
	FORM_MAX_BYTES = 2048,
};

struct follow_in {
	const char *slug;
};
struct unlock_in {
	const char *slug;
	const char *password;
};

/* clang-format off */
static const struct field follow_fields[] = {
	{ FIELD(struct follow_in, slug, "slug"), .from = FROM_PATH,
	  .required = true },
	{ 0 },
};
static const struct field unlock_fields[] = {
	{ FIELD(struct unlock_in, slug, "slug"), .from = FROM_PATH,
	  .required = true },
	{ FIELD(struct unlock_in, password, "password"), .required = true,
	  .max = PASSWORD_TEXT_MAX },
	{ 0 },
};
/* clang-format on */

static struct redirect_lookup *
new_lookup(struct req *r, const char *slug)
{
	struct redirect_lookup *l = arena_alloc(r->arena, sizeof(*l));
	char *small = arena_alloc(r->arena, SLUG_SIZE);

	l->arena = r->arena;
	/* A text that is no slug is not looked up anywhere. */
	l->known = !slug_read(slug, small);
	l->slug = small;
	return l;
}

void
redirect_prefetch(void *app, struct req *const *rs, bool *ret_ready, size_t n)
{
	struct redirect_lookup *lookups[SERVICE_PREFETCH_MAX];
	struct redirect_lookup *wanted[SERVICE_PREFETCH_MAX] = { 0 };
	size_t nwanted = 0;

	for (size_t i = 0; i < n; i++) {
		const char *path = req_param(rs[i], "KEDGE_PATH");
		const char *method = req_param(rs[i], "REQUEST_METHOD");

		lookups[i] = NULL;
		if (path == NULL || method == NULL ||
		    !str_has_prefix(path, LINKS_PUBLIC_PATH) ||
		    (!str_eq(method, "GET") && !str_eq(method, "HEAD")))
			continue;
		lookups[i] =
		    new_lookup(rs[i], path + sizeof(LINKS_PUBLIC_PATH) - 1);
		rs[i]->prefetched = lookups[i];
		if (!lookups[i]->known)
			wanted[nwanted++] = lookups[i];
	}
	redirect_cache_get(app, wanted, nwanted);
	for (size_t i = 0; i < n; i++) {
		if (lookups[i] != NULL)
			ret_ready[i] = lookups[i]->known;
	}
}

static enum err
refuse(struct req *r, const char *code)
{
	enum err e = link_refuse(r, code);

	req_add_header(r, "Vary", "Accept");
	if (!redirect_page_is_wanted(r))
		return e;
	redirect_page_say(r, err_info(e)->status, link_code_message(code));
	return ERR_OK;
}

/* The key contains a hash of the network, and stays in this process. */
static enum err
charge_lookup(struct req *r)
{
	const struct links *links = links_of(r);
	int64_t rate = links_config_of(links)->lookup_rate, retry_ms = 0;
	enum err e;

	if (rate == 0)
		return ERR_OK;
	e = rate_limit_take_here(links->process.limit,
	    arena_printf(
		r->arena, "lookup:%016llx", (unsigned long long)flow_key(r)),
	    rate, LOOKUP_PERIOD_MS, &retry_ms);
	if (e == ERR_RATE_LIMITED)
		r->retry_after_s = (retry_ms + 999) / 1000;
	return e;
}

/* Finds the link that the request is about, in Redis or in PostgreSQL. */
static enum err
find(struct req *r, const char *slug, const struct redirect **ret_link)
{
	struct links *links = links_of(r);
	struct redirect_lookup *l = r->prefetched;
	enum err e;

	if (l == NULL) {
		l = new_lookup(r, slug);
		if (!l->known)
			redirect_cache_get(links, &l, 1);
	}
	*ret_link = &l->link;
	if (l->known)
		return ERR_OK;
	e = charge_lookup(r);
	if (e == ERR_OK)
		e = link_find_slug(
		    links->process.db, r->arena, l->slug, &l->link);
	if (e != ERR_OK)
		return e;
	l->known = true;
	redirect_cache_fill(links, l);
	return ERR_OK;
}

/*
 * Finds a link that can be followed; *ret_link is NULL when the request was
 * answered.
 */
static enum err
find_open(struct req *r, const char *slug, const struct redirect **ret_link)
{
	const struct redirect *link;
	enum err e = find(r, slug, &link);

	*ret_link = NULL;
	if (e != ERR_OK)
		return e;
	if (link->link_id == NULL)
		return refuse(r, "LINK_NOT_FOUND");
	if (!link->enabled)
		return refuse(r, "LINK_DISABLED");
	if (link->expires_at_ms != 0 && link->expires_at_ms <= clock_now_ms())
		return refuse(r, "LINK_EXPIRED");
	*ret_link = link;
	return ERR_OK;
}

static bool
is_prefetch(const struct req *r)
{
	const char *purpose = req_header(r, "SEC_PURPOSE");

	if (purpose == NULL)
		purpose = req_header(r, "PURPOSE");
	return purpose != NULL && str_has_prefix(purpose, "prefetch");
}

static void
count(struct req *r, const struct redirect *link)
{
	struct click click = {
		.agent = user_agent_family(req_header(r, "USER_AGENT")),
		.day = clock_now_ms() / DAY_MS,
		.clicks = 1,
	};

	if (str_eq(r->method, "HEAD") || is_prefetch(r))
		return;
	str_copy(click.link_id, sizeof(click.link_id), link->link_id);
	click_referrer(req_header(r, "REFERER"), click.referrer);
	click_table_add(links_of(r)->clicks, &click);
}

static enum err
follow(struct req *r, const void *in_struct, void *out_struct UNUSED)
{
	const struct follow_in *in = in_struct;
	const struct redirect *link;
	enum err e = find_open(r, in->slug, &link);

	if (e != ERR_OK || link == NULL)
		return e;
	if (link->has_password) {
		redirect_page_ask(r, 200, /* message= */ NULL);
		return ERR_OK;
	}
	count(r, link);
	req_add_header(r, "Location", link->target);
	req_add_header(r, "Cache-Control", "no-store");
	req_answer(r, 302, /* content_type= */ NULL, /* body= */ NULL, 0);
	return ERR_OK;
}

static enum err
unlock(struct req *r, const void *in_struct, void *out_struct UNUSED)
{
	struct links *links = links_of(r);
	const struct unlock_in *in = in_struct;
	const struct redirect *link;
	const char *hash = NULL, *target = NULL;
	bool right = false;
	enum err e = find_open(r, in->slug, &link);

	if (e != ERR_OK || link == NULL)
		return e;
	/*
	 * Use the target that was read together with the password hash, not
	 * link->target: the link may have changed since it was found, and its
	 * new target may have another password.
	 */
	e = link_find_secret(
	    links->process.db, r->arena, link->link_id, &hash, &target);
	if (e == ERR_NOT_FOUND)
		return refuse(r, "LINK_NOT_FOUND");
	if (e == ERR_OK && hash != NULL)
		e = link_password_check(
		    links, r, link->link_id, in->password, hash, &right);
	if (e != ERR_OK)
		return e;
	if (hash != NULL && !right) {
		redirect_page_ask(r, 403, "This is not the password.");
		return ERR_OK;
	}
	count(r, link);
	redirect_page_go(r, target);
	return ERR_OK;
}

/* clang-format off */
static const struct route_header follow_headers[] = {
	{ "Location", "The target of the link." },
	{ 0 },
};

const struct route redirect_routes[] = {
	{ "GET", LINKS_PUBLIC_PATH "{slug}", follow,
	  .summary = "Follow a short link; one with a password answers 200 "
	    "with a form",
	  .guard = GUARD_NONE, .flags = ROUTE_NO_RECORD, .whole_path = true,
	  .ignores_query = true, .status = 302,
	  .in = SCHEMA(struct follow_in, follow_fields),
	  .errors = BIT(ERR_NOT_FOUND) | BIT(ERR_GONE) |
	    BIT(ERR_RATE_LIMITED),
	  .headers = follow_headers },
	{ "POST", LINKS_PUBLIC_PATH "{slug}", unlock,
	  .summary = "Follow a short link that has a password; the answer is a "
	    "page that leads on",
	  .guard = GUARD_NONE, .flags = ROUTE_NO_RECORD, .whole_path = true,
	  .ignores_query = true, .status = 200, .body_form = true,
	  .body_max_bytes = FORM_MAX_BYTES,
	  .in = { .name = "LinkUnlock", .size = sizeof(struct unlock_in),
	    .fields = unlock_fields, .refuse_unknown = true },
	  .errors = BIT(ERR_FORBIDDEN) | BIT(ERR_NOT_FOUND) | BIT(ERR_GONE) |
	    BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */

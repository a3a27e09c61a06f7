#include "links/link/link_view.h"

#include "base/arena.h"
#include "base/str.h"
#include "links/link/link_slug.h"
#include "links/links.h"

enum { RETRY_S = 3600 /* idempotency keys are deleted each hour */ };

/* clang-format off */
const struct field link_fields[] = {
	{ FIELD(struct link, id, "id"), .required = true, .format = FMT_UUID },
	{ FIELD(struct link, slug, "slug"), .required = true },
	{ FIELD(struct link, url, "url"), .required = true, .format = FMT_URI,
	  .doc = "The short address, for people." },
	{ FIELD(struct link, target, "target"), .required = true,
	  .format = FMT_URI },
	{ FIELD(struct link, title, "title"), .required = true,
	  .nullable = true },
	{ FIELD(struct link, enabled, "enabled"), .required = true },
	{ FIELD(struct link, expires_at, "expiresAt"), .required = true,
	  .nullable = true, .format = FMT_DATE_TIME },
	{ FIELD(struct link, has_password, "hasPassword"), .required = true },
	{ FIELD(struct link, clicks, "clicks"), .required = true,
	  .doc = "How often the link was followed, programs that call "
	    "themselves bots included." },
	{ FIELD(struct link, version, "version"), .required = true,
	  .doc = "Incremented by every change; the ETag is this number in "
	      "quotes." },
	{ FIELD(struct link, created_at, "createdAt"), .required = true,
	  .format = FMT_DATE_TIME },
	{ FIELD(struct link, updated_at, "updatedAt"), .required = true,
	  .format = FMT_DATE_TIME },
	{ 0 },
};
const struct schema link_schema =
	SCHEMA_NAMED("Link", struct link, link_fields);

const struct service_code link_codes[] = {
	{ "IDEMPOTENCY_KEY_REUSED", ERR_CONFLICT,
	  "This Idempotency-Key belongs to another request" },
	{ "LINK_DISABLED", ERR_GONE, "This link is disabled" },
	{ "LINK_EXPIRED", ERR_GONE, "This link has expired" },
	{ "LINK_NOT_FOUND", ERR_NOT_FOUND, "There is no such link" },
	{ "SLUG_RESERVED", ERR_UNPROCESSABLE, "This slug is reserved" },
	{ "SLUG_TAKEN", ERR_CONFLICT,
	  "This slug, or one that looks like it, is taken" },
	{ "TARGET_BLOCKED", ERR_UNPROCESSABLE,
	  "Links to this host are not allowed here" },
	{ "TARGET_LOOP", ERR_UNPROCESSABLE,
	  "A short link cannot lead to a short link" },
	{ "TOO_MANY_IDEMPOTENCY_KEYS", ERR_RATE_LIMITED,
	  "Too many requests with keys of their own: try again later" },
	{ "TOO_MANY_LINKS", ERR_UNPROCESSABLE,
	  "You have as many links as you may" },
	{ 0 },
};
/* clang-format on */

static const struct service_code *
find_code(const char *code)
{
	const struct service_code *row = link_codes;

	while (!str_eq(row->code, code))
		row++;
	return row;
}

const char *
link_code_message(const char *code)
{
	return find_code(code)->message;
}

enum err
link_refuse(struct req *r, const char *code)
{
	const struct service_code *row = find_code(code);

	if (row->err == ERR_RATE_LIMITED)
		r->retry_after_s = RETRY_S;
	return req_fail(r, row->err, row->code, row->message);
}

enum err
link_refuse_fault(struct req *r, const struct link_fault *fault)
{
	if (fault->code != NULL)
		return link_refuse(r, fault->code);
	return req_invalid(r, fault->field, fault->message);
}

static enum err
invalid(struct link_fault *fault, const char *field, const char *message)
{
	*fault = (struct link_fault){ .field = field, .message = message };
	return ERR_UNPROCESSABLE;
}

static enum err
refused(struct link_fault *fault, const char *code)
{
	*fault = (struct link_fault){ .code = code };
	return ERR_UNPROCESSABLE;
}

enum err
link_check_target(
    struct req *r, const char *target, struct link_fault *ret_fault)
{
	const struct links_config *config = links_config_of(links_of(r));
	const struct target_rules rules = {
		.own_url = config->url,
		.own_host = r->host,
		.blocked_hosts = config->blocked_hosts,
	};

	switch (target_check(r->arena, target, &rules)) {
	case TARGET_FITS:
		return ERR_OK;
	case TARGET_NOT_HTTP:
		return invalid(
		    ret_fault, "target", "must begin with http:// or https://");
	case TARGET_CHARACTERS:
		return invalid(ret_fault, "target",
		    "may contain only visible ASCII characters other than "
		    "\\ \" < > ^ ` { | }: percent-encode others");
	case TARGET_HOST:
		return invalid(ret_fault, "target", "has no valid host");
	case TARGET_CREDENTIALS:
		return invalid(ret_fault, "target",
		    "must not contain a user name or password");
	case TARGET_LOOP:
		return refused(ret_fault, "TARGET_LOOP");
	case TARGET_BLOCKED:
		break;
	}
	return refused(ret_fault, "TARGET_BLOCKED");
}

/* The year 0: RFC 3339 has it, but PostgreSQL's calendar does not. */
enum err
link_check_expiry(const char *expires_at, struct link_fault *ret_fault)
{
	if (expires_at != NULL && str_has_prefix(expires_at, "0000-"))
		return invalid(
		    ret_fault, "expiresAt", "must not be before year 1");
	return ERR_OK;
}

static enum err
read_slug(struct req *r, const char *text, const char **ret_slug,
    struct link_fault *fault)
{
	char *slug = arena_alloc(r->arena, SLUG_SIZE);

	*ret_slug = NULL;
	if (text == NULL)
		return ERR_OK;
	switch (slug_choose(text, slug)) {
	case SLUG_FITS:
		*ret_slug = slug;
		return ERR_OK;
	case SLUG_RESERVED:
		return refused(fault, "SLUG_RESERVED");
	case SLUG_MALFORMED:
		break;
	}
	return invalid(fault, "slug",
	    "must have 3 to 64 of A-Z a-z 0-9 - _, with a letter or digit at "
	    "both ends");
}

enum err
link_read_wish(struct req *r, const struct link_wish *wish,
    struct link *ret_link, struct link_fault *ret_fault)
{
	struct link link = {
		.target = wish->target,
		.title = wish->title,
		.enabled = !wish->enabled.set || wish->enabled.value,
		.expires_at = wish->expires_at,
	};
	enum err e = link_check_target(r, wish->target, ret_fault);

	if (e == ERR_OK)
		e = link_check_expiry(wish->expires_at, ret_fault);
	if (e == ERR_OK)
		e = read_slug(r, wish->slug, &link.slug, ret_fault);
	if (e == ERR_OK)
		*ret_link = link;
	return e;
}

/*
 * Scheme, host and port of the request, as far as nginx knows them: the port on
 * which it listens.  Where clients see another one, LINKS_URL is set.
 */
static const char *
own_origin(struct req *r)
{
	const char *port = req_param(r, "KEDGE_PORT");
	const char *usual = str_eq(r->scheme, "https") ? "443" : "80";

	if (port == NULL || *port == '\0' || str_eq(port, usual))
		return arena_printf(r->arena, "%s://%s", r->scheme, r->host);
	return arena_printf(r->arena, "%s://%s:%s", r->scheme, r->host, port);
}

const char *
link_url(struct req *r, const char *slug)
{
	const char *url = links_config_of(links_of(r))->url;

	if (*url == '\0')
		url = own_origin(r);
	return arena_printf(r->arena, "%s" LINKS_PUBLIC_PATH "%s", url, slug);
}

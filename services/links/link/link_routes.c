/*
 * link_routes: creating, reading, changing and deleting links.
 *
 * The ETag of a link is its version; with If-Match a change is made to that
 * version or not at all (412).
 */
#include "links/link/link_routes.h"

#include <string.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/digest.h"
#include "base/hex.h"
#include "links/link/link_view.h"
#include "links/links.h"
#include "links/password/link_password.h"
#include "web/cursor.h"
#include "web/etag.h"
#include "web/idempotency.h"
#include "web/page.h"

enum {
	PAGE_MAX = 100,
	IF_MATCH_MAX = 1024,
	CREATE_PERIOD_MS = 3600 * 1000,
};
#define PAGE_DEFAULT "50"

struct link_key {
	const char *id;
	/* value of If-Match or, for a GET, of If-None-Match */
	const char *if_match;
};
struct create_in {
	struct link_wish wish;
	const char *key;
};
struct patch_in {
	struct link_key key;
	const char *target;
	struct opt_string title;
	struct opt_string expires_at;
	struct opt_string password;
	struct opt_bool enabled;
};
struct list_in {
	int64_t limit;
	const char *cursor;
};
struct list_out {
	struct objects items;
	const char *next_cursor;
};

/* clang-format off */
static const struct field create_fields[] = {
	LINK_WISH_FIELDS(struct create_in),
	{ IDEMPOTENCY_KEY_FIELD(struct create_in, key) },
	{ 0 },
};
static const struct field patch_fields[] = {
	{ FIELD(struct patch_in, key.id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ FIELD(struct patch_in, key.if_match, "If-Match"),
	  .from = FROM_HEADER, .max = IF_MATCH_MAX,
	  .doc = "The ETag of the version that the change is based on." },
	{ FIELD(struct patch_in, target, "target"), .min = TARGET_MIN,
	  .max = TARGET_MAX, .format = FMT_URI },
	{ FIELD(struct patch_in, title, "title"), .nullable = true,
	  .min = 1, .max = LINK_TITLE_MAX, .format = FMT_LINE },
	{ FIELD(struct patch_in, expires_at, "expiresAt"), .nullable = true,
	  .format = FMT_DATE_TIME },
	{ FIELD(struct patch_in, password, "password"), .nullable = true,
	  .min = LINK_PASSWORD_MIN, .max = LINK_PASSWORD_MAX,
	  .doc = "null: no password any more." },
	{ FIELD(struct patch_in, enabled, "enabled") },
	{ 0 },
};
static const struct field get_fields[] = {
	{ FIELD(struct link_key, id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ FIELD(struct link_key, if_match, "If-None-Match"),
	  .from = FROM_HEADER, .max = IF_MATCH_MAX,
	  .doc = "The ETag that the client has: the answer is 304 if it is "
	      "current. The number of clicks is not part of it." },
	{ 0 },
};
static const struct field delete_fields[] = {
	{ FIELD(struct link_key, id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ FIELD(struct link_key, if_match, "If-Match"),
	  .from = FROM_HEADER, .max = IF_MATCH_MAX,
	  .doc = "The ETag of the version to delete." },
	{ 0 },
};
static const struct field list_fields[] = {
	{ FIELD(struct list_in, limit, "limit"), .from = FROM_QUERY,
	  .min = 1, .max = PAGE_MAX, .fallback = PAGE_DEFAULT },
	{ FIELD(struct list_in, cursor, "cursor"), .from = FROM_QUERY,
	  .max = CURSOR_TEXT_MAX, .doc = "nextCursor of the page before." },
	{ 0 },
};
static const struct field page_fields[] = {
	{ FIELD(struct list_out, items, "items"), .required = true,
	  .of = &link_schema, .doc = "Newest first." },
	{ FIELD(struct list_out, next_cursor, "nextCursor"), .required = true,
	  .nullable = true, .doc = "null on the last page." },
	{ 0 },
};
/* clang-format on */

enum err
link_owner_create(struct req *r)
{
	return link_owner_insert(
	    links_of(r)->process.db, r->arena, r->identity->user_id);
}

/*
 * Reads the header If-Match. Sets *ret_match to NULL when the request does not
 * have it.
 */
static enum err
read_match(struct req *r, const char *header, const struct etag_set **ret_match)
{
	struct etag_set *match;

	*ret_match = NULL;
	if (header == NULL)
		return ERR_OK;
	match = arena_alloc(r->arena, sizeof(*match));
	if (!etag_read(r->arena, header, ETAG_STRONG, match))
		return req_invalid(
		    r, "If-Match", "is not a list of entity tags");
	*ret_match = match;
	return ERR_OK;
}

/* Completes the link for the response. */
static void
finish(struct req *r, struct link *link)
{
	link->url = link_url(r, link->slug);
	req_add_header(r, "ETag", etag_write(r->arena, link->version));
}

/*
 * Reads the Idempotency-Key.  The digest of a request with a password is keyed,
 * because otherwise whoever can read the database could guess passwords with
 * it, much faster than with the hash of the password.
 */
static enum err
read_idempotency(
    struct req *r, const struct create_in *in, struct link_order *order)
{
	const unsigned char *key = links_of(r)->process.identity_keys.current;
	unsigned char mac[SHA256_SIZE];
	struct idempotency idempotency;
	char *hex;
	enum err e = idempotency_read(r, in->key, &idempotency);

	if (e != ERR_OK)
		return e;
	order->key = idempotency.key;
	order->sha256_hex = idempotency.sha256_hex;
	if (order->key == NULL || in->wish.password == NULL)
		return ERR_OK;
	hmac_sha256(key, IDENTITY_KEY_SIZE, order->sha256_hex,
	    strlen(order->sha256_hex), mac);
	hex = arena_alloc(r->arena, SHA256_HEX_SIZE);
	hex_write(mac, sizeof(mac), hex);
	order->sha256_hex = hex;
	return ERR_OK;
}

static enum err
links_create(struct req *r, const void *in_struct, void *out_struct)
{
	struct links *links = links_of(r);
	const struct links_config *config = links_config_of(links);
	const struct create_in *in = in_struct;
	struct link *out = out_struct;
	struct link link;
	struct link_order order = {
		.link = &link,
		.links_max = config->links_max,
		.keys_max = config->idempotency_keys_max,
	};
	struct link_fault fault;
	struct link_made made;
	enum err e;

	e = link_read_wish(r, &in->wish, &link, &fault);
	if (e != ERR_OK)
		return link_refuse_fault(r, &fault);
	e = read_idempotency(r, in, &order);
	if (e == ERR_OK)
		e = service_charge(r, "create", /* cost= */ 1,
		    config->create_rate, CREATE_PERIOD_MS);
	if (e == ERR_OK && in->wish.password != NULL)
		e = link_password_hash(
		    links, r, in->wish.password, &link.password_hash);
	if (e == ERR_OK)
		e = link_create(
		    links, r->arena, r->identity->user_id, &order, &made);
	if (e != ERR_OK)
		return e;
	if (made.code != NULL)
		return link_refuse(r, made.code);
	if (made.replayed)
		idempotency_note_replay(r);
	*out = made.link;
	service_add_location(r, "/links", out->id);
	finish(r, out);
	return ERR_OK;
}

static const char *
link_position(struct arena *a UNUSED, const void *item)
{
	return ((const struct link *)item)->id;
}

static enum err
links_list(struct req *r, const void *in_struct, void *out_struct)
{
	const struct list_in *in = in_struct;
	struct list_out *out = out_struct;
	const char *scope =
	    arena_printf(r->arena, "links 1 %s", r->identity->user_id);
	const struct link *found;
	const char *before_id = NULL;
	struct link *items;
	int64_t count;
	enum err e;

	e = cursor_read_parameter(r, scope, in->cursor, &before_id);
	if (e != ERR_OK)
		return e;
	/* One row more, to know whether there is a next page. */
	e = link_list(links_of(r)->process.db, r->arena, r->identity->user_id,
	    before_id, in->limit + 1, &found, &count);
	if (e != ERR_OK)
		return e;
	items = arena_alloc(r->arena, (size_t)count * sizeof(*items));
	for (int64_t i = 0; i < count; i++) {
		items[i] = found[i];
		items[i].url = link_url(r, items[i].slug);
	}
	page_write(r,
	    &(struct page){
		.of = &link_schema,
		.items = items,
		.count = count,
		.limit = in->limit,
		.scope = scope,
		.position = link_position,
	    },
	    &out->items, &out->next_cursor);
	return ERR_OK;
}

static enum err
links_get(struct req *r, const void *in_struct, void *out_struct)
{
	const struct link_key *in = in_struct;
	struct link *link = out_struct;
	struct etag_set seen;
	enum err e;

	e = link_find(links_of(r)->process.db, r->arena, r->identity->user_id,
	    in->id, link);
	if (e != ERR_OK)
		return e;
	finish(r, link);
	/*
	 * An If-None-Match that cannot be parsed is ignored: the client gets
	 * the whole response.
	 */
	if (in->if_match != NULL &&
	    etag_read(r->arena, in->if_match, ETAG_WEAK, &seen) &&
	    etag_has(&seen, link->version))
		req_answer(
		    r, 304, /* content_type= */ NULL, /* body= */ NULL, 0);
	return ERR_OK;
}

/* Checks the new values, and hashes the new password. */
static enum err
read_patch(
    struct req *r, const struct patch_in *in, struct link_patch *ret_patch)
{
	struct link_patch patch = {
		.target = in->target,
		.title = in->title,
		.enabled = in->enabled,
		.expires_at = in->expires_at,
		.set_password = in->password.set,
	};
	struct link_fault fault;
	enum err e = ERR_OK;

	if (in->target != NULL)
		e = link_check_target(r, in->target, &fault);
	if (e == ERR_OK)
		e = link_check_expiry(in->expires_at.value, &fault);
	if (e != ERR_OK)
		return link_refuse_fault(r, &fault);
	if (in->password.value != NULL)
		e = link_password_hash(
		    links_of(r), r, in->password.value, &patch.password_hash);
	if (e == ERR_OK)
		*ret_patch = patch;
	return e;
}

static enum err
links_patch(struct req *r, const void *in_struct, void *out_struct)
{
	const struct patch_in *in = in_struct;
	struct link *link = out_struct;
	const struct etag_set *match;
	struct link_patch patch;
	enum err e;

	e = read_match(r, in->key.if_match, &match);
	if (e != ERR_OK)
		return e;
	e = read_patch(r, in, &patch);
	if (e != ERR_OK)
		return e;
	e = link_change(links_of(r), r->arena, r->identity->user_id, in->key.id,
	    &patch, match, link);
	if (e == ERR_OK)
		finish(r, link);
	return e;
}

static enum err
links_delete(struct req *r, const void *in_struct, void *out_struct UNUSED)
{
	const struct link_key *in = in_struct;
	const struct etag_set *match;
	enum err e;

	e = read_match(r, in->if_match, &match);
	if (e != ERR_OK)
		return e;
	return link_remove(
	    links_of(r), r->arena, r->identity->user_id, in->id, match);
}

/* clang-format off */
static const struct route_header made_headers[] = {
	LOCATION_HEADER, ETAG_HEADER, IDEMPOTENCY_REPLAYED_HEADER, { 0 },
};
static const struct route_header etag_headers[] = { ETAG_HEADER, { 0 } };

const struct route link_routes[] = {
	{ "POST", "/links", links_create,
	  .summary = "Create a short link",
	  .in = { .name = "LinkCreate", .size = sizeof(struct create_in),
	    .fields = create_fields, .refuse_unknown = true },
	  .out = { .name = "Link", .size = sizeof(struct link),
	    .fields = link_fields },
	  .status = 201,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_CONFLICT) |
	    BIT(ERR_UNPROCESSABLE) | BIT(ERR_RATE_LIMITED),
	  .headers = made_headers },
	{ "GET", "/links", links_list,
	  .summary = "The links of the signed-in user, newest first",
	  .in = SCHEMA(struct list_in, list_fields),
	  .out = SCHEMA_NAMED("LinkPage", struct list_out, page_fields),
	  .errors = BIT(ERR_INVALID) },
	{ "GET", "/links/{id}", links_get,
	  .summary = "One link",
	  .in = SCHEMA(struct link_key, get_fields),
	  .out = { .name = "Link", .size = sizeof(struct link),
	    .fields = link_fields },
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND),
	  .headers = etag_headers },
	{ "PATCH", "/links/{id}", links_patch,
	  .summary = "Change a link",
	  .in = { .name = "LinkPatch", .size = sizeof(struct patch_in),
	    .fields = patch_fields, .refuse_unknown = true },
	  .out = { .name = "Link", .size = sizeof(struct link),
	    .fields = link_fields },
	  .idempotent = true,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) | BIT(ERR_STALE) |
	    BIT(ERR_UNPROCESSABLE) | BIT(ERR_RATE_LIMITED),
	  .headers = etag_headers },
	{ "DELETE", "/links/{id}", links_delete,
	  .summary = "Delete a link",
	  .in = SCHEMA(struct link_key, delete_fields),
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) | BIT(ERR_STALE) |
	    BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */

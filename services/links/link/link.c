#include "links/link/link.h"

#include "base/arena.h"
#include "base/str.h"
#include "db/db.h"
#include "links/link/link_slug.h"
#include "links/links.h"
#include "links/redirect/redirect_cache.h"

/* A generated slug is taken once in many millions of times. */
enum { GENERATE_TRIES = 5 };

struct change {
	struct links *links;
	const char *user_id;
	const char *id;
	const struct link_order *order;
	const struct link_patch *patch;
	const struct etag_set *match;
	struct link_made made;
	struct link link;
	struct burial burial;
};

static enum err
create(struct db *tx, struct arena *a, void *ctx)
{
	struct change *c = ctx;
	enum err e;

	c->burial = (struct burial){ 0 };
	e = link_insert(tx, a, c->user_id, c->order, &c->made);
	if (e != ERR_OK || c->made.code != NULL || c->made.replayed)
		return e;
	return redirect_cache_bury(
	    c->links, tx, a, c->made.link.slug, &c->burial);
}

/* Creates the link with the slug that it has. */
static enum err
create_with_slug(struct links *links, struct arena *a, const char *user_id,
    const struct link_order *order, struct link_made *ret_made,
    struct burial *ret_burial)
{
	struct change c = {
		.links = links, .user_id = user_id, .order = order
	};
	enum err e = db_transact(links->process.db, a, create, &c);

	if (e != ERR_OK)
		return e;
	*ret_made = c.made;
	*ret_burial = c.burial;
	return ERR_OK;
}

enum err
link_create_unsettled(struct links *links, struct arena *a, const char *user_id,
    const struct link_order *order, struct link_made *ret_made,
    struct burial *ret_burial)
{
	struct link link = *order->link;
	struct link_order with_slug = *order;
	char slug[SLUG_SIZE];
	enum err e;

	if (link.slug != NULL)
		return create_with_slug(
		    links, a, user_id, order, ret_made, ret_burial);
	with_slug.link = &link;
	link.slug = slug;
	for (int i = 0; i < GENERATE_TRIES; i++) {
		slug_generate(slug);
		e = create_with_slug(
		    links, a, user_id, &with_slug, ret_made, ret_burial);
		if (e != ERR_OK || !str_eq(ret_made->code, "SLUG_TAKEN"))
			return e;
	}
	return ERR_INTERNAL;
}

enum err
link_create(struct links *links, struct arena *a, const char *user_id,
    const struct link_order *order, struct link_made *ret_made)
{
	struct burial burial = { 0 };
	enum err e =
	    link_create_unsettled(links, a, user_id, order, ret_made, &burial);

	if (e != ERR_OK || ret_made->code != NULL)
		return e;
	return redirect_cache_settle(links, a, ret_made->link.slug, &burial);
}

static void
apply(const struct link_patch *p, struct link *link)
{
	if (p->target != NULL)
		link->target = p->target;
	if (p->title.set)
		link->title = p->title.value;
	if (p->enabled.set)
		link->enabled = p->enabled.value;
	if (p->expires_at.set)
		link->expires_at = p->expires_at.value;
	link->password_hash = p->password_hash;
}

static bool
is_empty(const struct link_patch *p)
{
	return p->target == NULL && !p->title.set && !p->enabled.set &&
	       !p->expires_at.set && !p->set_password;
}

/* Finds the link and locks it, if it has a version that the client accepts. */
static enum err
find_matching(struct db *tx, struct arena *a, struct change *c)
{
	enum err e = link_find_locked(tx, a, c->user_id, c->id, &c->link);

	if (e == ERR_OK && c->match != NULL &&
	    !etag_has(c->match, c->link.version))
		return ERR_STALE;
	return e;
}

static enum err
change(struct db *tx, struct arena *a, void *ctx)
{
	struct change *c = ctx;
	enum err e;

	c->burial = (struct burial){ 0 };
	e = find_matching(tx, a, c);
	if (e != ERR_OK || is_empty(c->patch))
		return e;
	apply(c->patch, &c->link);
	e = link_update(
	    tx, a, c->user_id, &c->link, c->patch->set_password, &c->link);
	if (e != ERR_OK)
		return e;
	return redirect_cache_bury(c->links, tx, a, c->link.slug, &c->burial);
}

enum err
link_change(struct links *links, struct arena *a, const char *user_id,
    const char *id, const struct link_patch *patch,
    const struct etag_set *match, struct link *ret_link)
{
	struct change c = {
		.links = links,
		.user_id = user_id,
		.id = id,
		.patch = patch,
		.match = match,
	};
	enum err e = db_transact(links->process.db, a, change, &c);

	if (e == ERR_OK)
		e = redirect_cache_settle(links, a, c.link.slug, &c.burial);
	if (e == ERR_OK)
		*ret_link = c.link;
	return e;
}

static enum err
remove_link(struct db *tx, struct arena *a, void *ctx)
{
	struct change *c = ctx;
	enum err e;

	c->burial = (struct burial){ 0 };
	/* The owner is locked before the link: see 0001_link.sql. */
	e = link_owner_lock(tx, a, c->user_id);
	if (e != ERR_OK)
		return e;
	e = find_matching(tx, a, c);
	if (e != ERR_OK)
		return e;
	e = link_delete(tx, a, c->user_id, c->id);
	if (e != ERR_OK)
		return e;
	return redirect_cache_bury(c->links, tx, a, c->link.slug, &c->burial);
}

enum err
link_remove(struct links *links, struct arena *a, const char *user_id,
    const char *id, const struct etag_set *match)
{
	struct change c = {
		.links = links, .user_id = user_id, .id = id, .match = match
	};
	enum err e = db_transact(links->process.db, a, remove_link, &c);

	if (e != ERR_OK)
		return e;
	return redirect_cache_settle(links, a, c.link.slug, &c.burial);
}

#include "links/batch/batch.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"
#include "links/link/link.h"
#include "links/links.h"
#include "links/redirect/redirect_cache.h"
#include "web/request.h"

enum { CREATE_PERIOD_MS = 3600 * 1000, DIGEST_TEXT_MAX = 64 * 1024 };

static void
put(struct buf *b, const char *text)
{
	if (text == NULL)
		buf_puts(b, "null");
	else
		json_write_string(b, text);
}

/* Two items with the same digest ask for the same link. */
static const char *
digest(struct arena *a, const struct link_wish *wish)
{
	char *hex = arena_alloc(a, SHA256_HEX_SIZE);
	struct buf b;

	buf_init(&b, a, DIGEST_TEXT_MAX);
	put(&b, wish->target);
	put(&b, wish->slug);
	put(&b, wish->title);
	put(&b, wish->expires_at);
	put(&b, !wish->enabled.set || wish->enabled.value ? "on" : "off");
	sha256_hex(b.data, b.len, hex);
	return hex;
}

/* The last change that the batch has made, for one wait at its end. */
struct tally {
	struct burial burial;
	const char *slug;
};

/* Remembers the change that needs most care: one that has raised the epoch. */
static void
note(struct tally *t, const struct link *link, const struct burial *b)
{
	if (b->begun_us == 0)
		return;
	if (b->raised && (!t->burial.raised || b->epoch > t->burial.epoch)) {
		t->burial = *b;
		t->slug = link->slug;
	}
}

static enum err
make_one(struct req *r, const struct link_wish *wish, const char *key,
    struct batch_result *result, struct tally *tally)
{
	struct links *links = links_of(r);
	const struct links_config *config = links_config_of(links);
	struct link *link = arena_alloc(r->arena, sizeof(*link));
	struct link_order order = {
		.link = link,
		.key = key,
		.links_max = config->links_max,
		.keys_max = config->idempotency_keys_max,
	};
	struct burial burial = { 0 };
	struct link_made made;
	enum err e;

	if (key != NULL)
		order.sha256_hex = digest(r->arena, wish);
	e = link_read_wish(r, wish, link, &result->fault);
	if (e != ERR_OK)
		return ERR_OK; /* the fault says why */
	e = link_create_unsettled(
	    links, r->arena, r->identity->user_id, &order, &made, &burial);
	if (e == ERR_OK && made.code == NULL && burial.begun_us != 0 &&
	    !burial.raised)
		e = redirect_cache_settle(
		    links, r->arena, made.link.slug, &burial);
	if (e != ERR_OK)
		return e;
	if (made.code != NULL) {
		result->fault = (struct link_fault){ .code = made.code };
		return ERR_OK;
	}
	*link = made.link;
	link->url = link_url(r, link->slug);
	note(tally, link, &burial);
	result->link = link;
	return ERR_OK;
}

static const char *
item_key(struct arena *a, const char *key, size_t i)
{
	return key != NULL ? arena_printf(a, "%s:%zu", key, i) : NULL;
}

enum err
batch_make(struct req *r, const struct link_wish *wishes,
    const struct link_fault *faults, size_t n, const char *key,
    const struct batch_result **ret_results)
{
	struct links *links = links_of(r);
	struct batch_result *results =
	    arena_alloc(r->arena, n * sizeof(*results));
	struct tally tally = { 0 };
	enum err e = service_charge(r, "create", (int64_t)n,
	    links_config_of(links)->create_rate, CREATE_PERIOD_MS);

	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		if (faults != NULL && faults[i].field != NULL)
			results[i].fault = faults[i];
		else
			e = make_one(r, &wishes[i], item_key(r->arena, key, i),
			    &results[i], &tally);
	}
	if (e == ERR_OK && tally.slug != NULL)
		e = redirect_cache_settle(
		    links, r->arena, tally.slug, &tally.burial);
	if (e == ERR_OK)
		*ret_results = results;
	return e;
}

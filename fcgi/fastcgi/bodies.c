#include "fastcgi/bodies.h"

#include <assert.h>
#include <stddef.h>

#include "base/attr.h"
#include "fastcgi/body_buffer.h"
#include "fastcgi/conn.h"
#include "fastcgi/seat.h"

enum {
	/* With more, one flow gives way at any age to another with less. */
	SHARE_CONNECTIONS = BODIES_MAX / 64,
	SHARE_BYTES = BODY_BUFFERS_MAX_BYTES / 4,
	FLOWS = 2 * BODIES_MAX, /* a power of two: places of a hash table */
};
static_assert((FLOWS & (FLOWS - 1)) == 0, "a mask");

struct share {
	uint64_t flow;
	size_t amount; /* 0: an empty place */
};

void
bodies_add(struct links *l, struct link *link)
{
	assert(link->seat != NULL);
	if (link->body)
		return;
	link->body = true;
	l->bodies++;
}

void
bodies_remove(struct links *l, struct link *link)
{
	if (!link->body)
		return;
	link->body = false;
	l->bodies--;
}

bool
bodies_is_endless(const struct link *link)
{
	return link->seat->conn.body_bytes >
	       (int64_t)link->body_max + BODIES_SKIP_BYTES;
}

bool
bodies_is_late(const struct link *link, int64_t timeout_us, int64_t now_us)
{
	int64_t earned_us =
	    link->seat->conn.body_bytes * 1000 * 1000 / BODIES_RATE_BYTES;

	return now_us - link->since_us > timeout_us + earned_us;
}

static struct share *
find_share(struct share *shares, uint64_t flow)
{
	size_t at = (size_t)flow % FLOWS;

	/* There are at most BODIES_MAX flows: half of it stays empty. */
	while (shares[at].amount != 0 && shares[at].flow != flow)
		at = (at + 1) % FLOWS;
	shares[at].flow = flow;
	return &shares[at];
}

static bool
is_before(const struct link *link, const struct link *best, size_t amount,
    size_t best_amount)
{
	if (best == NULL || amount != best_amount)
		return best == NULL || amount > best_amount;
	return link->since_us < best->since_us;
}

static struct link *
find(struct links *l, const struct link *newcomer, int64_t now_us,
    size_t (*amount_of)(const struct link *link), size_t share_max)
{
	struct share shares[FLOWS] = { 0 };
	struct link *best = NULL;
	size_t most = 0;

	for (int i = 0; i < LINKS_MAX; i++) {
		const struct link *link = &l->table[i];

		if (link->body)
			find_share(shares, link->flow)->amount +=
			    amount_of(link);
	}
	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *link = &l->table[i];
		size_t amount;

		if (!link->body || link == newcomer)
			continue;
		amount = find_share(shares, link->flow)->amount;
		if (is_before(link, best, amount, most)) {
			best = link;
			most = amount;
		}
	}
	if (best == NULL || now_us - best->since_us > BODIES_PATIENCE_US)
		return best;
	if (most <= share_max ||
	    most / 2 < find_share(shares, newcomer->flow)->amount)
		return NULL;
	return best;
}

static size_t
one(const struct link *link UNUSED)
{
	return 1;
}

static size_t
bytes_of(const struct link *link)
{
	return link->seat->conn.ahead.cap + 1;
}

struct link *
bodies_find_connection(
    struct links *l, const struct link *newcomer, int64_t now_us)
{
	return find(l, newcomer, now_us, one, SHARE_CONNECTIONS);
}

struct link *
bodies_find_memory(struct links *l, const struct link *newcomer, int64_t now_us)
{
	return find(l, newcomer, now_us, bytes_of, SHARE_BYTES);
}

#include "fastcgi/bodies.h"

#include <assert.h>
#include <stddef.h>

#include "base/attr.h"
#include "fastcgi/conn.h"
#include "fastcgi/request_context.h"

enum {
	/*
	 * When BODIES_MAX connections wait for bodies, one of them is closed in
	 * favour of the next, normally only after BODIES_PATIENCE_US.  A flow
	 * with more connections than this can lose one at any age:
	 * bodies_find_connection().
	 */
	SHARE_CONNECTIONS = BODIES_MAX / 64,
	FLOWS = 2 * BODIES_MAX, /* a power of two: the size of a hash table */
};
static_assert((FLOWS & (FLOWS - 1)) == 0, "a mask");

struct share {
	uint64_t flow;
	size_t amount; /* 0: this entry of the hash table is empty */
};

bool
bodies_is_endless(const struct client_connection *client)
{
	return client->context->conn.body.bytes >
	       (int64_t)client->body_bytes + BODIES_SKIP_BYTES;
}

bool
bodies_is_late(
    const struct client_connection *client, int64_t timeout_us, int64_t now_us)
{
	int64_t earned_us =
	    client->context->conn.body.bytes * 1000 * 1000 / BODIES_RATE_BYTES;

	return now_us - client->since_us > timeout_us + earned_us;
}

static struct share *
find_share(struct share *shares, uint64_t flow)
{
	size_t at = (size_t)flow % FLOWS;

	/*
	 * The loop ends: there are at most BODIES_MAX flows, so at least half
	 * of the entries are empty.
	 */
	while (shares[at].amount != 0 && shares[at].flow != flow)
		at = (at + 1) % FLOWS;
	shares[at].flow = flow;
	return &shares[at];
}

bool
bodies_is_paused_long(const struct client_connection *client, int64_t now_us)
{
	return client->paused && now_us - client->since_us > BODIES_PAUSE_US;
}

/* Adds up amount_of() for the connections of each flow that wait for a body. */
static void
add_up(const struct connection_table *t, struct share shares[FLOWS],
    size_t (*amount_of)(
	const struct client_connection *client, enum body_class class),
    enum body_class class)
{
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		const struct client_connection *client = &t->connections[i];

		if (client->body)
			find_share(shares, client->flow)->amount +=
			    amount_of(client, class);
	}
}

static size_t
one(const struct client_connection *client UNUSED, enum body_class class UNUSED)
{
	return 1;
}

static bool
has_room(const struct client_connection *client, enum body_class class)
{
	return client->body && !client->paused &&
	       body_class_of(client->body_bytes) == class;
}

/*
 * Returns the bytes of room that the connection's body has in this class; 1 if
 * it has none, because 0 would mark an empty entry of the hash table.
 */
static size_t
bytes_of(const struct client_connection *client, enum body_class class)
{
	return has_room(client, class) ? client->body_bytes : 1;
}

struct client_connection *
bodies_find_connection(struct connection_table *t,
    const struct client_connection *newcomer, int64_t now_us)
{
	struct share shares[FLOWS] = { 0 };
	struct client_connection *best = NULL;
	size_t most = 0;

	add_up(t, shares, one, BODY_TINY);
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		struct client_connection *client = &t->connections[i];
		size_t amount;

		if (!client->body || client == newcomer)
			continue;
		amount = find_share(shares, client->flow)->amount;
		if (best != NULL &&
		    (amount < most ||
			(amount == most && client->since_us >= best->since_us)))
			continue;
		best = client;
		most = amount;
	}
	if (best == NULL || now_us - best->since_us > BODIES_PATIENCE_US)
		return best;
	if (most <= SHARE_CONNECTIONS ||
	    most / 2 < find_share(shares, newcomer->flow)->amount)
		return NULL;
	return best;
}

static bool
is_slow(const struct client_connection *client, int64_t now_us)
{
	int64_t earned_us =
	    client->context->conn.body.bytes * 1000 * 1000 / BODIES_QUICK_BYTES;

	return now_us - client->body_us > BODIES_PATIENCE_US + earned_us;
}

struct client_connection *
bodies_find_room(struct connection_table *t,
    const struct client_connection *newcomer, int64_t now_us)
{
	enum body_class class = body_class_of(newcomer->body_bytes);
	struct share shares[FLOWS] = { 0 };
	struct client_connection *best = NULL;
	size_t most = 0;

	add_up(t, shares, bytes_of, class);
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		struct client_connection *client = &t->connections[i];
		size_t amount;

		if (!has_room(client, class) || client == newcomer ||
		    !is_slow(client, now_us))
			continue;
		amount = find_share(shares, client->flow)->amount;
		if (best != NULL &&
		    (amount < most ||
			(amount == most && client->body_us >= best->body_us)))
			continue;
		best = client;
		most = amount;
	}
	return best;
}

struct client_connection *
bodies_find_paused(struct connection_table *t, enum body_class class)
{
	struct share shares[FLOWS] = { 0 };
	struct client_connection *best = NULL;
	size_t least = 0;

	add_up(t, shares, bytes_of, class);
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		struct client_connection *client = &t->connections[i];
		size_t amount;

		if (!client->paused ||
		    body_class_of(client->body_bytes) != class)
			continue;
		amount = find_share(shares, client->flow)->amount;
		if (best != NULL &&
		    (amount > least || (amount == least &&
					   client->since_us >= best->since_us)))
			continue;
		best = client;
		least = amount;
	}
	return best;
}

bool
bodies_must_queue(
    struct connection_table *t, const struct client_connection *client)
{
	enum body_class class = body_class_of(client->body_bytes);

	return class != BODY_TINY && t->paused > 0 &&
	       bodies_find_paused(t, class) != NULL;
}

#include "fastcgi/bodies.h"

#include <assert.h>
#include <stddef.h>

#include "base/attr.h"
#include "fastcgi/body_buffer.h"
#include "fastcgi/conn.h"
#include "fastcgi/request_context.h"

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

bool
bodies_is_endless(const struct client_connection *client)
{
	return client->context->conn.body_bytes >
	       (int64_t)client->body_max + BODIES_SKIP_BYTES;
}

bool
bodies_is_late(
    const struct client_connection *client, int64_t timeout_us, int64_t now_us)
{
	int64_t earned_us =
	    client->context->conn.body_bytes * 1000 * 1000 / BODIES_RATE_BYTES;

	return now_us - client->since_us > timeout_us + earned_us;
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
is_before(const struct client_connection *client,
    const struct client_connection *best, size_t amount, size_t best_amount)
{
	if (best == NULL || amount != best_amount)
		return best == NULL || amount > best_amount;
	return client->since_us < best->since_us;
}

static struct client_connection *
find(struct connection_table *t, const struct client_connection *newcomer,
    int64_t now_us, size_t (*amount_of)(const struct client_connection *client),
    size_t share_max)
{
	struct share shares[FLOWS] = { 0 };
	struct client_connection *best = NULL;
	size_t most = 0;

	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		const struct client_connection *client = &t->connections[i];

		if (client->body)
			find_share(shares, client->flow)->amount +=
			    amount_of(client);
	}
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		struct client_connection *client = &t->connections[i];
		size_t amount;

		if (!client->body || client == newcomer)
			continue;
		amount = find_share(shares, client->flow)->amount;
		if (is_before(client, best, amount, most)) {
			best = client;
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
one(const struct client_connection *client UNUSED)
{
	return 1;
}

static size_t
bytes_of(const struct client_connection *client)
{
	return client->context->conn.ahead.cap + 1;
}

struct client_connection *
bodies_find_connection(struct connection_table *t,
    const struct client_connection *newcomer, int64_t now_us)
{
	return find(t, newcomer, now_us, one, SHARE_CONNECTIONS);
}

struct client_connection *
bodies_find_memory(struct connection_table *t,
    const struct client_connection *newcomer, int64_t now_us)
{
	return find(t, newcomer, now_us, bytes_of, SHARE_BYTES);
}

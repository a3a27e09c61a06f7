#include "auth/identity/session_cache.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "auth/identity/session_claims.h"
#include "auth/log_events.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"

enum { KEY_DIGEST_LEN = 32, BATCH = 500 };

static const char *
key_of(struct arena *a, const char *token)
{
	char hex[SHA256_HEX_SIZE];

	sha256_hex(token, strlen(token), hex);
	hex[KEY_DIGEST_LEN] = '\0';
	return arena_join(a, (const char *const[]){ "s:", hex }, 2);
}

static void
take_answer(struct session_lookup *l, const struct cache_get *got)
{
	enum err e;

	l->miss = got->miss;
	if (got->value == NULL)
		return;
	l->epoch = got->version;
	e = session_claims_read(l->arena, got->value, &l->claims);
	l->known = e == ERR_OK;
	if (e == ERR_INVALID)
		log_event(LOG_WARN, EVENT_SESSION_CACHE_MALFORMED);
}

void
session_cache_get(
    struct cache *c, struct session_lookup *const *lookups, size_t n)
{
	struct cache_get gets[SESSION_LOOKUPS_MAX];
	enum err e;

	assert(n <= COUNT_OF(gets));
	for (size_t i = 0; i < n; i++) {
		struct session_lookup *l = lookups[i];

		gets[i] = (struct cache_get){
			.arena = l->arena,
			.key = key_of(l->arena, l->token),
			.least_version = l->epoch,
		};
	}
	/*
	 * Without a response from Redis, there is neither a value nor a miss to
	 * fill.
	 */
	e = cache_get(c, gets, n);
	(void)e;
	for (size_t i = 0; i < n; i++)
		take_answer(lookups[i], &gets[i]);
}

void
session_cache_fill(struct cache *c, const struct session_lookup *l)
{
	int64_t ttl_ms = l->claims.expires_at_ms - clock_now_ms();
	const char *value = session_claims_write(l->arena, &l->claims);

	if (ttl_ms > SESSION_CACHE_TTL_MS)
		ttl_ms = SESSION_CACHE_TTL_MS;
	if (value != NULL && ttl_ms > 0)
		cache_fill(c, l->arena, &l->miss,
		    &(struct cache_entry){
			.key = key_of(l->arena, l->token),
			.value = value,
			.version = l->epoch,
			.ttl_ms = ttl_ms,
		    });
}

enum err
session_cache_invalidate(
    struct cache *c, struct arena *a, const struct strings *tokens)
{
	for (size_t done = 0; done < tokens->count;) {
		const char *keys[BATCH];
		int n = 0;
		enum err e;

		while (n < BATCH && done < tokens->count)
			keys[n++] = key_of(a, tokens->items[done++]);
		e = cache_invalidate(c, keys, n);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

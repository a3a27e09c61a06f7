#include "auth/identity/session_cache.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "auth/log_events.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/str.h"

enum { VALUE_MAX_BYTES = 4096, KEY_DIGEST_LEN = 32, BATCH = 500 };

static const char *
key_of(struct arena *a, const char *token)
{
	char hex[SHA256_HEX_SIZE];

	sha256_hex(token, strlen(token), hex);
	hex[KEY_DIGEST_LEN] = '\0';
	return arena_join(a, (const char *const[]){ "s:", hex }, 2);
}

/* The value's parts, in their order. */
enum part {
	PART_VERSION,
	PART_EXPIRES_AT,
	PART_BAN_EXPIRES, /* "-": not banned */
	PART_USER_ID,
	PART_SESSION_ID,
	PART_ACCOUNTS,
	PART_ROLES,
	PART__MAX
};

static const char version[] = "1";

const char *
session_claims_write(struct arena *a, const struct session_claims *claims)
{
	const char *texts[] = { claims->user_id, claims->session_id,
		claims->accounts, claims->roles };
	struct buf b;

	buf_init(&b, a, VALUE_MAX_BYTES);
	buf_puts(&b, version);
	buf_putc(&b, '\t');
	buf_put_i64(&b, claims->expires_at_ms);
	buf_putc(&b, '\t');
	if (claims->banned)
		buf_put_i64(&b, claims->ban_expires_ms);
	else
		buf_putc(&b, '-');
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		if (strchr(texts[i], '\t') != NULL)
			return NULL;
		buf_putc(&b, '\t');
		buf_puts(&b, texts[i]);
	}
	return buf_failed(&b) ? NULL : b.data;
}

/* Cuts the text into its parts; false when there are fewer, or more. */
static bool
split(char *text, const char *parts[PART__MAX])
{
	for (int i = 0; i < PART__MAX; i++)
		parts[i] = strsep(&text, "\t");
	return parts[PART__MAX - 1] != NULL && text == NULL;
}

enum err
session_claims_read(
    struct arena *a, const char *text, struct session_claims *ret_claims)
{
	const char *parts[PART__MAX];
	struct session_claims c = { 0 };

	if (!split(arena_strdup(a, text), parts) ||
	    !str_eq(parts[PART_VERSION], version) ||
	    !str_i64(
		parts[PART_EXPIRES_AT], INT64_MIN, INT64_MAX, &c.expires_at_ms))
		return ERR_NOT_FOUND;
	c.banned = !str_eq(parts[PART_BAN_EXPIRES], "-");
	if (c.banned && !str_i64(parts[PART_BAN_EXPIRES], INT64_MIN, INT64_MAX,
			    &c.ban_expires_ms))
		return ERR_NOT_FOUND;
	c.user_id = parts[PART_USER_ID];
	c.session_id = parts[PART_SESSION_ID];
	c.accounts = parts[PART_ACCOUNTS];
	c.roles = parts[PART_ROLES];
	if (*c.user_id == '\0' || *c.session_id == '\0')
		return ERR_NOT_FOUND;
	*ret_claims = c;
	return ERR_OK;
}

static void
take_answer(struct session_lookup *l, const struct cache_get *got)
{
	l->miss = got->miss;
	if (got->value == NULL)
		return;
	l->epoch = got->version;
	l->known =
	    session_claims_read(l->arena, got->value, &l->claims) == ERR_OK;
	if (!l->known)
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
	/* Without an answer there is neither a value nor a miss to fill. */
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

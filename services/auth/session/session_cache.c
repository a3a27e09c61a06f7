#include "auth/session/session_cache.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/log.h"

enum { VALUE_MAX_BYTES = 4096, KEY_DIGEST_LEN = 32, BATCH = 500 };

static const char *
key_of(struct arena *a, int64_t epoch, const char *token)
{
	char hex[SHA256_HEX_SIZE];

	sha256_hex(token, strlen(token), hex);
	return arena_printf(
	    a, "s:%" PRId64 ":%.*s", epoch, KEY_DIGEST_LEN, hex);
}

const char *
session_claims_write(struct arena *a, const struct session_claims *claims)
{
	struct buf b;

	buf_init(&b, a, VALUE_MAX_BYTES);
	buf_puts(&b, "{\"u\":");
	json_write_string(&b, claims->user_id);
	buf_puts(&b, ",\"s\":");
	json_write_string(&b, claims->session_id);
	buf_puts(&b, ",\"r\":");
	json_write_string(&b, claims->roles);
	buf_puts(&b, ",\"a\":");
	json_write_string(&b, claims->accounts);
	buf_puts(&b, ",\"x\":");
	buf_put_i64(&b, claims->expires_at_ms);
	if (claims->banned) {
		buf_puts(&b, ",\"b\":");
		buf_put_i64(&b, claims->ban_expires_ms);
	}
	buf_putc(&b, '}');
	return buf_failed(&b) ? NULL : b.data;
}

enum err
session_claims_read(
    struct arena *a, const char *text, struct session_claims *ret_claims)
{
	const char *problem;
	const struct json *j = json_read(a, text, strlen(text), &problem);
	struct session_claims c = { 0 };

	if (j == NULL)
		return ERR_NOT_FOUND;
	c.user_id = json_member_string(j, "u");
	c.session_id = json_member_string(j, "s");
	c.roles = json_member_string(j, "r");
	c.accounts = json_member_string(j, "a");
	c.banned = json_member_int(j, "b", &c.ban_expires_ms);
	if (c.user_id == NULL || c.session_id == NULL || c.roles == NULL ||
	    c.accounts == NULL || !json_member_int(j, "x", &c.expires_at_ms))
		return ERR_NOT_FOUND;
	*ret_claims = c;
	return ERR_OK;
}

enum err
session_cache_get(struct cache *c, struct arena *a, int64_t epoch,
    const char *token, struct session_claims *ret_claims,
    struct cache_miss *ret_miss)
{
	const char *text;
	enum err e = cache_get(c, a, key_of(a, epoch, token), &text, ret_miss);

	if (e != ERR_OK)
		return e;
	*ret_miss = (struct cache_miss){ 0 };
	e = session_claims_read(a, text, ret_claims);
	if (e != ERR_OK)
		log_event(LOG_WARN, "cached session cannot be read");
	return e;
}

void
session_cache_fill(struct cache *c, struct arena *a, int64_t epoch,
    const char *token, const struct session_claims *claims,
    const struct cache_miss *miss)
{
	int64_t ttl_ms = claims->expires_at_ms - clock_now_ms();
	const char *value = session_claims_write(a, claims);

	if (ttl_ms > SESSION_CACHE_TTL_MS)
		ttl_ms = SESSION_CACHE_TTL_MS;
	if (value != NULL && ttl_ms > 0)
		cache_fill(c, miss, key_of(a, epoch, token), value, ttl_ms);
}

enum err
session_cache_invalidate(struct cache *c, struct arena *a, int64_t epoch,
    const struct strings *tokens)
{
	for (size_t done = 0; done < tokens->count;) {
		const char *keys[BATCH];
		int n = 0;
		enum err e;

		while (n < BATCH && done < tokens->count)
			keys[n++] = key_of(a, epoch, tokens->items[done++]);
		e = cache_invalidate(c, keys, n);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

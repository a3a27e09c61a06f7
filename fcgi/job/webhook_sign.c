#include "job/webhook_sign.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/random.h"
#include "base/str.h"

enum {
	KEY_BYTES = 32,
	KEY_MIN = 24,
	KEY_MAX = 64,
	HEAD_REST_BYTES = 32, /* bytes of the two dots and the timestamp */
};
static const char prefix[] = "whsec_";

const char *
webhook_new_secret(struct arena *a)
{
	unsigned char key[KEY_BYTES];
	const char *secret;

	random_bytes(key, sizeof(key));
	secret =
	    arena_printf(a, "%s%s", prefix, base64_encode(a, key, sizeof(key)));
	explicit_bzero(key, sizeof(key));
	return secret;
}

static bool
read_key(struct arena *a, const char *secret, unsigned char **ret_key,
    size_t *ret_len)
{
	const char *text;

	if (!str_has_prefix(secret, prefix))
		return false;
	text = secret + strlen(prefix);
	return base64_decode(a, text, strlen(text), ret_key, ret_len) &&
	       *ret_len >= KEY_MIN && *ret_len <= KEY_MAX;
}

bool
webhook_secret_valid(struct arena *a, const char *secret)
{
	unsigned char *key;
	size_t len;

	return read_key(a, secret, &key, &len);
}

static const char *
sign_once(struct arena *a, const struct buf *text, const char *secret)
{
	unsigned char mac[SHA256_SIZE], *key;
	size_t len;

	if (!read_key(a, secret, &key, &len))
		return NULL;
	hmac_sha256(key, len, text->data, text->len, mac);
	return arena_printf(a, "v1,%s", base64_encode(a, mac, sizeof(mac)));
}

const char *
webhook_sign(struct arena *a, const struct webhook_message *m,
    const char *secret, const char *old_secret)
{
	const char *now, *old;
	struct buf text;

	buf_init(&text, a, strlen(m->id) + HEAD_REST_BYTES + m->body_len);
	buf_printf(&text, "%s.%lld.", m->id, (long long)m->timestamp_s);
	buf_put(&text, m->body, m->body_len);
	assert(!buf_failed(&text));
	now = sign_once(a, &text, secret);
	old = old_secret != NULL ? sign_once(a, &text, old_secret) : NULL;
	if (now == NULL || old == NULL)
		return now;
	return arena_printf(a, "%s %s", now, old);
}

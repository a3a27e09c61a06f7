#include "http/identity.h"

#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/jws.h"
#include "base/str.h"

enum {
	SKEW_S = 5, /* between the clocks of two hosts */
	TTL_MAX_S = 300, /* no assertion lives longer, whatever it says */
};

void
identity_derive_key(const char *auth_secret, const char *service,
    unsigned char ret_key[IDENTITY_KEY_SIZE])
{
	struct arena *a = arena_new();
	const char *info = arena_printf(a, "kedge identity %s", service);

	hkdf_sha256(auth_secret, strlen(auth_secret), info, ret_key);
	arena_free(a);
}

bool
identity_read_key(const char *text, unsigned char ret_key[IDENTITY_KEY_SIZE])
{
	struct arena *a = arena_new();
	unsigned char *data;
	size_t len;
	bool ok;

	ok = base64url_decode(a, text, strlen(text), &data, &len);
	if (ok) {
		ok = len == IDENTITY_KEY_SIZE;
		if (ok)
			memcpy(ret_key, data, IDENTITY_KEY_SIZE);
		explicit_bzero(data, len);
	}
	arena_free(a);

	return ok;
}

static void
write_strings(struct buf *b, const struct strings *s)
{
	buf_putc(b, '[');
	for (size_t i = 0; i < s->count; i++) {
		if (i > 0)
			buf_putc(b, ',');
		json_write_string(b, s->items[i]);
	}
	buf_putc(b, ']');
}

const char *
identity_sign(struct arena *a, const unsigned char key[IDENTITY_KEY_SIZE],
    const char *audience, const struct identity *who, int64_t now_s)
{
	struct buf b;

	buf_init(&b, a, JWS_TOKEN_MAX);
	buf_puts(&b, "{\"iss\":\"auth\",\"aud\":");
	json_write_string(&b, audience);
	buf_puts(&b, ",\"sub\":");
	json_write_string(&b, who->user_id);
	buf_puts(&b, ",\"sid\":");
	json_write_string(&b, who->session_id);
	buf_puts(&b, ",\"roles\":");
	write_strings(&b, &who->roles);
	buf_puts(&b, ",\"accounts\":");
	write_strings(&b, &who->accounts);
	buf_puts(&b, ",\"iat\":");
	buf_put_i64(&b, now_s);
	buf_puts(&b, ",\"exp\":");
	buf_put_i64(&b, now_s + IDENTITY_TTL_S);
	buf_putc(&b, '}');
	if (buf_failed(&b))
		return NULL;

	return jws_sign(a, key, IDENTITY_KEY_SIZE, b.data, b.len);
}

static bool
read_strings(struct arena *a, const struct json *claims, const char *name,
    struct strings *ret_strings)
{
	const struct json *list = json_member(claims, name);
	const char **items;
	size_t n;

	if (list == NULL || json_kind(list) != JSON_KIND_ARRAY)
		return false;
	n = json_count(list);
	items = arena_alloc(a, n * sizeof(*items));
	for (size_t i = 0; i < n; i++) {
		const struct json *item = json_item(list, i);

		if (json_kind(item) != JSON_KIND_STRING)
			return false;
		items[i] = json_get_string(item);
	}
	*ret_strings = (struct strings){ .items = items, .count = n };

	return true;
}

static bool
is_current(const struct json *claims, int64_t now_s)
{
	int64_t iat, exp;

	if (!json_member_int(claims, "iat", &iat) ||
	    !json_member_int(claims, "exp", &exp))
		return false;
	/* Neither is negative below, so the difference cannot overflow. */
	if (iat < 0 || exp < iat || exp - iat > TTL_MAX_S)
		return false;

	return exp > now_s - SKEW_S && iat < now_s + SKEW_S;
}

const struct identity *
identity_verify(struct arena *a, const unsigned char key[IDENTITY_KEY_SIZE],
    const char *audience, const char *token, int64_t now_s)
{
	const struct json *claims;
	struct identity *who;

	if (token == NULL || *token == '\0')
		return NULL;
	claims = jws_verify(a, key, IDENTITY_KEY_SIZE, token);
	if (claims == NULL)
		return NULL;
	if (!str_eq(json_member_string(claims, "iss"), "auth") ||
	    !str_eq(json_member_string(claims, "aud"), audience) ||
	    !is_current(claims, now_s))
		return NULL;

	who = arena_alloc(a, sizeof(*who));
	who->user_id = json_member_string(claims, "sub");
	who->session_id = json_member_string(claims, "sid");
	if (who->user_id == NULL || *who->user_id == '\0' ||
	    who->session_id == NULL || *who->session_id == '\0')
		return NULL;
	if (!read_strings(a, claims, "roles", &who->roles) ||
	    !read_strings(a, claims, "accounts", &who->accounts))
		return NULL;

	return who;
}

bool
strings_has(const struct strings *s, const char *item)
{
	for (size_t i = 0; i < s->count; i++) {
		if (strcmp(s->items[i], item) == 0)
			return true;
	}
	return false;
}

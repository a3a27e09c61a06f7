#include "web/identity.h"

#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/jws.h"
#include "base/str.h"

enum {
	SKEW_S = 5, /* the most seconds by which the clocks of two hosts may
	               differ */
	TTL_MAX_S =
	    300, /* no assertion is valid for longer, whatever its exp is */
	PLAIN_ITEMS_MAX = 32,
	TIME_DIGITS_MAX = 15,
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

const char *
identity_sign(struct arena *a, const unsigned char key[IDENTITY_KEY_SIZE],
    const char *audience, const struct identity *who, int64_t now_ms)
{
	int64_t now_s = now_ms / 1000;
	struct buf b;

	buf_init(&b, a, JWS_TOKEN_MAX);
	buf_puts(&b, "{\"iss\":\"auth\",\"aud\":");
	json_write_string(&b, audience);
	buf_puts(&b, ",\"sub\":");
	json_write_string(&b, who->user_id);
	buf_puts(&b, ",\"sid\":");
	json_write_string(&b, who->session_id);
	buf_puts(&b, ",\"roles\":");
	json_write_strings(&b, who->roles.items, who->roles.count);
	buf_puts(&b, ",\"accounts\":");
	json_write_strings(&b, who->accounts.items, who->accounts.count);
	buf_puts(&b, ",\"iat\":");
	buf_put_i64(&b, now_s);
	buf_puts(&b, ",\"exp\":");
	buf_put_i64(&b, now_s + IDENTITY_TTL_S);
	buf_puts(&b, ",\"iat_ms\":");
	buf_put_i64(&b, now_ms);
	if (who->credential != NULL) {
		buf_puts(&b, ",\"credential\":");
		json_write_string(&b, who->credential);
	}
	if (who->role_gated) {
		buf_puts(&b, ",\"required_roles\":");
		json_write_strings(
		    &b, who->required_roles.items, who->required_roles.count);
	}
	if (who->claims_text != NULL) {
		buf_puts(&b, ",\"claims\":");
		buf_puts(&b, who->claims_text);
	}
	buf_putc(&b, '}');
	if (buf_failed(&b))
		return NULL;

	return jws_sign(a, key, IDENTITY_KEY_SIZE, b.data, b.len);
}

/* -- reading -- */

struct claims {
	const char *iss, *aud; /* NULL: the claim is missing */
	int64_t iat, exp, iat_ms;
	struct identity who;
};

/*
 * Parses claims in the form that identity_sign() writes when no value needs an
 * escape: nearly all claims are like that.  Other claims are parsed by the JSON
 * library, which would take a third of the time of a small request.
 */
struct scan {
	struct arena *arena;
	const char *at; /* ends with a NUL, which no expected text contains */
};

static bool
take(struct scan *s, const char *literal)
{
	size_t len = strlen(literal);

	if (strncmp(s->at, literal, len) != 0)
		return false;
	s->at += len;
	return true;
}

/* Reads printable ASCII without quote or backslash, which needs no decoding. */
static bool
take_string(struct scan *s, const char **ret_text)
{
	const char *start = s->at + 1, *p = start;

	if (*s->at != '"')
		return false;
	while (*p >= ' ' && *p <= '~' && *p != '"' && *p != '\\')
		p++;
	if (*p != '"')
		return false;
	*ret_text = arena_strndup(s->arena, start, (size_t)(p - start));
	s->at = p + 1;
	return true;
}

static bool
take_strings(struct scan *s, struct strings *ret_strings)
{
	const char **items =
	    arena_alloc(s->arena, PLAIN_ITEMS_MAX * sizeof(*items));
	size_t n = 0;

	if (!take(s, "["))
		return false;
	while (!take(s, "]")) {
		if (n == PLAIN_ITEMS_MAX || (n > 0 && !take(s, ",")) ||
		    !take_string(s, &items[n]))
			return false;
		n++;
	}
	*ret_strings = (struct strings){ .items = items, .count = n };
	return true;
}

static bool
take_time(struct scan *s, int64_t *ret_time)
{
	int64_t n = 0;
	int digits = 0;

	if (*s->at == '0')
		return false;
	for (; *s->at >= '0' && *s->at <= '9'; s->at++) {
		if (++digits > TIME_DIGITS_MAX)
			return false;
		n = n * 10 + (*s->at - '0');
	}
	*ret_time = n;
	return digits > 0;
}

static bool
read_plain(
    struct arena *a, const char *text, size_t len, struct claims *ret_claims)
{
	struct scan s = { .arena = a, .at = text };
	struct claims c = { .iss = "auth" };

	if (!take(&s, "{\"iss\":\"auth\",\"aud\":") ||
	    !take_string(&s, &c.aud) || !take(&s, ",\"sub\":") ||
	    !take_string(&s, &c.who.user_id) || !take(&s, ",\"sid\":") ||
	    !take_string(&s, &c.who.session_id) || !take(&s, ",\"roles\":") ||
	    !take_strings(&s, &c.who.roles) || !take(&s, ",\"accounts\":") ||
	    !take_strings(&s, &c.who.accounts) || !take(&s, ",\"iat\":") ||
	    !take_time(&s, &c.iat) || !take(&s, ",\"exp\":") ||
	    !take_time(&s, &c.exp))
		return false;
	c.who.has_issued_ms = take(&s, ",\"iat_ms\":");
	if (c.who.has_issued_ms && !take_time(&s, &c.iat_ms))
		return false;
	if (take(&s, ",\"credential\":") && !take_string(&s, &c.who.credential))
		return false;
	c.who.role_gated = take(&s, ",\"required_roles\":");
	if (c.who.role_gated && !take_strings(&s, &c.who.required_roles))
		return false;
	if (!take(&s, "}") || s.at != text + len)
		return false;
	*ret_claims = c;
	return true;
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
read_json(
    struct arena *a, const char *text, size_t len, struct claims *ret_claims)
{
	const char *problem;
	const struct json *j = json_read(a, text, len, &problem);
	struct claims c = { 0 };

	if (j == NULL || json_kind(j) != JSON_KIND_OBJECT)
		return false;
	c.iss = json_member_string(j, "iss");
	c.aud = json_member_string(j, "aud");
	c.who.user_id = json_member_string(j, "sub");
	c.who.session_id = json_member_string(j, "sid");
	if (!json_member_int(j, "iat", &c.iat) ||
	    !json_member_int(j, "exp", &c.exp) ||
	    !read_strings(a, j, "roles", &c.who.roles) ||
	    !read_strings(a, j, "accounts", &c.who.accounts))
		return false;
	c.who.has_issued_ms = json_member(j, "iat_ms") != NULL;
	if (c.who.has_issued_ms && !json_member_int(j, "iat_ms", &c.iat_ms))
		return false;
	c.who.credential = json_member_string(j, "credential");
	c.who.claims = json_member(j, "claims");
	c.who.role_gated = json_member(j, "required_roles") != NULL;
	if (c.who.role_gated &&
	    !read_strings(a, j, "required_roles", &c.who.required_roles))
		return false;
	*ret_claims = c;
	return true;
}

static bool
times_hold(const struct claims *c, int64_t now_s)
{
	/*
	 * Neither time is negative after this check, so their differences
	 * cannot overflow.
	 */
	if (c->iat < 0 || c->exp < c->iat || c->exp - c->iat > TTL_MAX_S)
		return false;
	if (c->who.has_issued_ms && c->iat_ms / 1000 != c->iat)
		return false;
	return c->iat < now_s + SKEW_S && now_s - c->iat <= IDENTITY_BODY_MAX_S;
}

static bool
is_text(const char *s)
{
	return s != NULL && *s != '\0';
}

static const char *
verify_text(struct arena *a, const struct identity_keys *keys,
    const char *token, size_t *ret_len)
{
	const char *text = jws_verify_text(
	    a, keys->current, IDENTITY_KEY_SIZE, token, ret_len);

	if (text == NULL && keys->previous != NULL)
		text = jws_verify_text(
		    a, keys->previous, IDENTITY_KEY_SIZE, token, ret_len);
	return text;
}

const struct identity *
identity_verify_aged(struct arena *a, const struct identity_keys *keys,
    const char *audience, const char *token, int64_t now_s)
{
	struct identity *who;
	const char *text;
	struct claims c;
	size_t len;

	if (!is_text(token))
		return NULL;
	text = verify_text(a, keys, token, &len);
	if (text == NULL ||
	    (!read_plain(a, text, len, &c) && !read_json(a, text, len, &c)))
		return NULL;
	if (!str_eq(c.iss, "auth") || !str_eq(c.aud, audience) ||
	    !times_hold(&c, now_s) || !is_text(c.who.user_id) ||
	    !is_text(c.who.session_id))
		return NULL;

	who = arena_alloc(a, sizeof(*who));
	*who = c.who;
	who->expires_at_s = c.exp;
	who->issued_at_ms = who->has_issued_ms ? c.iat_ms : c.iat * 1000 + 999;

	return who;
}

bool
identity_is_expired(const struct identity *who, int64_t now_s)
{
	return who->expires_at_s <= now_s - SKEW_S;
}

const struct identity *
identity_verify(struct arena *a, const struct identity_keys *keys,
    const char *audience, const char *token, int64_t now_s)
{
	const struct identity *who =
	    identity_verify_aged(a, keys, audience, token, now_s);

	return who != NULL && !identity_is_expired(who, now_s) ? who : NULL;
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

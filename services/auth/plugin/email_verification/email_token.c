#include "auth/plugin/email_verification/email_token.h"

#include <stdbool.h>
#include <stddef.h>

#include "auth/auth.h"
#include "auth/identity/email.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/jws.h"

enum { CLAIMS_MAX_BYTES = 4096 };

static void
put_claim(struct buf *b, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_puts(b, b->len == 0 ? "{" : ",");
	json_write_string(b, name);
	buf_putc(b, ':');
	json_write_string(b, value);
}

const char *
email_token_sign(const struct auth *auth, struct arena *a,
    const struct email_token *token, int64_t ttl_s)
{
	int64_t now_s = clock_now_ms() / 1000;
	struct buf b;

	/* In the order in which BetterAuth writes them. */
	buf_init(&b, a, CLAIMS_MAX_BYTES);
	put_claim(&b, "email", token->email);
	put_claim(&b, "updateTo", token->update_to);
	put_claim(&b, "requestType", token->request_type);
	put_claim(&b, "userId", token->user_id);
	buf_puts(&b, ",\"iat\":");
	buf_put_i64(&b, now_s);
	buf_puts(&b, ",\"exp\":");
	buf_put_i64(&b, now_s + ttl_s);
	buf_putc(&b, '}');
	return jws_sign(a, auth->secret, auth->secret_len, b.data, b.len);
}

static const struct json *
verify(const struct auth *auth, struct arena *a, const char *text)
{
	const struct json *claims =
	    jws_verify(a, auth->secret, auth->secret_len, text);

	if (claims == NULL && auth->secret_previous != NULL)
		claims = jws_verify(
		    a, auth->secret_previous, auth->secret_previous_len, text);
	return claims;
}

/* A claim that is there must be an address. */
static bool
read_address(struct arena *a, const struct json *claims, const char *name,
    const char **ret_email)
{
	const char *text = json_member_string(claims, name);

	if (text == NULL)
		return json_member(claims, name) == NULL;
	if (!email_valid(text))
		return false;
	*ret_email = email_canonical(a, text);
	return true;
}

enum email_token_state
email_token_read(const struct auth *auth, struct arena *a, const char *text,
    struct email_token *ret_token)
{
	const struct json *claims = verify(auth, a, text);
	struct email_token token = { 0 };
	int64_t exp;

	if (claims == NULL || !json_member_int(claims, "exp", &exp))
		return EMAIL_TOKEN_INVALID;
	if (exp <= clock_now_ms() / 1000)
		return EMAIL_TOKEN_EXPIRED;
	if (!read_address(a, claims, "email", &token.email) ||
	    token.email == NULL ||
	    !read_address(a, claims, "updateTo", &token.update_to))
		return EMAIL_TOKEN_INVALID;
	token.user_id = json_member_string(claims, "userId");
	token.request_type = json_member_string(claims, "requestType");
	*ret_token = token;
	return EMAIL_TOKEN_VALID;
}

#include "app/auth_client.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/jws.h"
#include "http_client/http_client.h"
#include "web/identity.h"
#include "web/request.h"
#include "web/trace.h"

enum { TOKEN_TTL_S = 60, CLAIMS_MAX_BYTES = 2048 };

/*
 * Returns the header with the service's token; NULL when the user's id is too
 * long for a token.
 */
static const char *
token_header(const struct auth_client *c, struct arena *a, const char *user_id)
{
	int64_t now_s = clock_now_ms() / 1000;
	const char *token;
	struct buf b;

	buf_init(&b, a, CLAIMS_MAX_BYTES);
	buf_printf(&b, "{\"iss\":\"%s\",\"aud\":\"auth\",\"sub\":", c->service);
	json_write_string(&b, user_id);
	buf_puts(&b, ",\"iat\":");
	buf_put_i64(&b, now_s);
	buf_puts(&b, ",\"exp\":");
	buf_put_i64(&b, now_s + TOKEN_TTL_S);
	buf_putc(&b, '}');
	if (buf_failed(&b))
		return NULL;
	token = jws_sign(a, c->key, IDENTITY_KEY_SIZE, b.data, b.len);
	return arena_printf(a, "Authorization: Bearer %s", token);
}

enum err
auth_client_call(const struct auth_client *c, struct req *r,
    const struct auth_call *call, struct http_client_response *ret_response)
{
	struct arena *a = r->arena;
	const char *headers[5] = { token_header(c, a, call->user_id) };
	int n = 1;

	if (headers[0] == NULL)
		return ERR_NOT_FOUND;
	if (call->header != NULL)
		headers[n++] = call->header;
	trace_write_headers(r, headers + n);
	return http_client_call(a,
	    &(struct http_client_request){
		.method = call->method,
		.url = arena_printf(a, "%s%s%s", c->url, c->prefix, call->path),
		.unix_socket = c->socket,
		.headers = headers,
		.timeout_ms = call->timeout_ms,
		.max_bytes = call->max_bytes,
		.allow_private = true,
	    },
	    ret_response);
}

#include "app/service_token.h"

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/jws.h"

enum { TOKEN_TTL_S = 60, CLAIMS_MAX_BYTES = 2048 };

const char *
service_token_header(struct arena *a, const char *service,
    const unsigned char key[IDENTITY_KEY_SIZE], const char *user_id)
{
	int64_t now_s = clock_now_ms() / 1000;
	const char *token;
	struct buf b;

	buf_init(&b, a, CLAIMS_MAX_BYTES);
	buf_printf(&b, "{\"iss\":\"%s\",\"aud\":\"auth\",\"sub\":", service);
	json_write_string(&b, user_id);
	buf_puts(&b, ",\"iat\":");
	buf_put_i64(&b, now_s);
	buf_puts(&b, ",\"exp\":");
	buf_put_i64(&b, now_s + TOKEN_TTL_S);
	buf_putc(&b, '}');
	if (buf_failed(&b))
		return NULL;
	token = jws_sign(a, key, IDENTITY_KEY_SIZE, b.data, b.len);
	return arena_printf(a, "Authorization: Bearer %s", token);
}

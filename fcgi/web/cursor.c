#include "web/cursor.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/digest.h"
#include "web/request.h"
#include "web/service.h"

enum { CODE_SIZE = 8 };

/*
 * The identity key also signs assertions, whose signed text consists of
 * base64url and dots.  The signed text of a cursor has NULs, so it is never an
 * assertion; they also separate its scope from its position.
 */
static void
code_write(struct arena *a, const unsigned char key[IDENTITY_KEY_SIZE],
    const char *scope, const char *position, unsigned char out[CODE_SIZE])
{
	unsigned char mac[SHA256_SIZE];
	struct buf b;

	buf_init(
	    &b, a, sizeof("cursor") + strlen(scope) + 1 + CURSOR_POSITION_MAX);
	buf_put(&b, "cursor", sizeof("cursor"));
	buf_put(&b, scope, strlen(scope) + 1);
	buf_puts(&b, position);
	assert(!buf_failed(&b));
	hmac_sha256(key, IDENTITY_KEY_SIZE, b.data, b.len, mac);
	memcpy(out, mac, CODE_SIZE);
}

const char *
cursor_write(struct arena *a, const unsigned char key[IDENTITY_KEY_SIZE],
    const char *scope, const char *position)
{
	unsigned char code[CODE_SIZE];
	size_t len = strlen(position);
	struct buf b;

	assert(len <= CURSOR_POSITION_MAX);
	code_write(a, key, scope, position, code);
	buf_init(&b, a, CODE_SIZE + CURSOR_POSITION_MAX);
	buf_put(&b, code, CODE_SIZE);
	buf_put(&b, position, len);
	return base64url_encode(a, b.data, b.len);
}

const char *
cursor_read(struct arena *a, const unsigned char key[IDENTITY_KEY_SIZE],
    const char *scope, const char *text)
{
	unsigned char expected[CODE_SIZE];
	unsigned char *bytes;
	const char *position;
	size_t text_len = strlen(text), len;

	if (text_len > CURSOR_TEXT_MAX ||
	    !base64url_decode(a, text, text_len, &bytes, &len) ||
	    len < CODE_SIZE || len - CODE_SIZE > CURSOR_POSITION_MAX)
		return NULL;
	position = (const char *)bytes + CODE_SIZE;
	if (strlen(position) != len - CODE_SIZE)
		return NULL;
	code_write(a, key, scope, position, expected);
	if (!digest_equal(bytes, expected, CODE_SIZE))
		return NULL;
	return position;
}

enum err
cursor_read_parameter(struct req *r, const char *scope, const char *text,
    const char **ret_position)
{
	const struct identity_keys *keys = &r->service->identity_keys;

	*ret_position = NULL;
	if (text == NULL || *text == '\0')
		return ERR_OK;
	*ret_position = cursor_read(r->arena, keys->current, scope, text);
	if (*ret_position == NULL && keys->previous != NULL)
		*ret_position =
		    cursor_read(r->arena, keys->previous, scope, text);
	if (*ret_position == NULL)
		return req_invalid(
		    r, "cursor", "is not a nextCursor of this list");
	return ERR_OK;
}

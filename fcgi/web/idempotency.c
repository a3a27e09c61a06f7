#include "web/idempotency.h"

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/json_sorted.h"
#include "web/request.h"

/*
 * The limit for the text whose digest is computed.  It is never reached: every
 * body is much smaller, and writing it as text makes it at most six times as
 * long.
 */
enum { TEXT_MAX_BYTES = 64 << 20 };

bool
idempotency_key_is_valid(const char *key)
{
	size_t len = 0;

	for (; key[len] != '\0'; len++) {
		if (key[len] < '!' || key[len] > '~')
			return false;
	}
	return len >= 1 && len <= IDEMPOTENCY_KEY_MAX;
}

static const char *
digest(struct req *r)
{
	char *hex = arena_alloc(r->arena, SHA256_HEX_SIZE);
	struct buf b;

	buf_init(&b, r->arena, TEXT_MAX_BYTES);
	json_write_string(&b, r->method);
	json_write_string(&b, r->path);
	json_write_sorted(&b, r->body);
	sha256_hex(b.data, b.len, hex);
	return hex;
}

enum err
idempotency_read(
    struct req *r, const char *key, struct idempotency *ret_idempotency)
{
	*ret_idempotency = (struct idempotency){ .key = key };
	if (key == NULL)
		return ERR_OK;
	if (!idempotency_key_is_valid(key))
		return req_invalid(r, "Idempotency-Key",
		    "must be 1 to 255 visible ASCII characters");
	ret_idempotency->sha256_hex = digest(r);
	return ERR_OK;
}

void
idempotency_note_replay(struct req *r)
{
	req_add_header(r, "Idempotency-Replayed", "true");
}

enum err
idempotency_refuse(struct req *r)
{
	return req_fail(r, ERR_CONFLICT, "IDEMPOTENCY_KEY_REUSED",
	    "This Idempotency-Key belongs to another request");
}

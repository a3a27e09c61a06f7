#include "wallet/operation/operation.h"

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/json_sorted.h"
#include "base/uuid.h"
#include "wallet/ledger/ledger_code.h"
#include "web/idempotency.h"
#include "web/identity.h"
#include "web/request.h"

/*
 * Upper limit of the digest's input. Every body is much smaller, and writing it
 * again makes it at most six times as long.
 */
enum { TEXT_MAX_BYTES = 64 << 20 };

bool
operation_key_is_valid(const char *key)
{
	return idempotency_key_is_valid(key);
}

void
operation_begin(
    struct operation *o, struct arena *a, const char *name, const char *key)
{
	*o = (struct operation){ .key = key };
	buf_init(&o->text, a, TEXT_MAX_BYTES);
	json_write_string(&o->text, name);
}

enum err
operation_begin_request(
    struct operation *o, struct req *r, const char *name, const char *key)
{
	if (key == NULL || *key == '\0')
		return ledger_refuse(r, "IDEMPOTENCY_KEY_REQUIRED");
	if (!operation_key_is_valid(key))
		return req_invalid(r, "Idempotency-Key",
		    "must be 1 to 255 visible ASCII characters");
	operation_begin(o, r->arena, name, key);
	return ERR_OK;
}

void
operation_add_text(struct operation *o, const char *text)
{
	buf_putc(&o->text, ',');
	json_write_string(&o->text, text);
}

void
operation_add_reason(struct operation *o, const char *reason)
{
	if (reason != NULL)
		operation_add_text(o, reason);
}

void
operation_add_uuid(struct operation *o, const char *text)
{
	char canonical[UUID_TEXT_SIZE];

	uuid_canonical(text, canonical);
	operation_add_text(o, canonical);
}

void
operation_add_int(struct operation *o, int64_t n)
{
	buf_putc(&o->text, ',');
	buf_put_i64(&o->text, n);
}

void
operation_add_json(struct operation *o, const struct json *j)
{
	buf_putc(&o->text, ',');
	json_write_sorted(&o->text, j);
}

void
operation_end(struct operation *o)
{
	char *hex = arena_alloc(o->text.arena, SHA256_HEX_SIZE);

	sha256_hex(o->text.data, o->text.len, hex);
	o->sha256_hex = hex;
}

bool
operation_is_operators(const struct req *r)
{
	return strings_has(&r->identity->roles, "operator") ||
	       strings_has(&r->identity->roles, "admin");
}

const char *
operation_origin(struct req *r)
{
	return arena_printf(r->arena, "%s %s", r->request_id,
	    r->trace_id != NULL ? r->trace_id : "");
}

const char *
operation_bool(bool value)
{
	return value ? "true" : "false";
}

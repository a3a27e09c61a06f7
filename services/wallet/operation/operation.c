#include "wallet/operation/operation.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/uuid.h"
#include "http/identity.h"
#include "http/request.h"
#include "wallet/ledger/ledger_code.h"

/* Every body is smaller, and written again it grows sixfold at most. */
enum { TEXT_MAX_BYTES = 64 << 20 };

struct member {
	const char *name;
	const struct json *value;
};
struct members {
	struct member *items;
	size_t count;
};

bool
operation_key_is_valid(const char *key)
{
	size_t len = 0;

	for (; key[len] != '\0'; len++) {
		if (key[len] < '!' || key[len] > '~')
			return false;
	}
	return len >= 1 && len <= OPERATION_KEY_MAX;
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

static void
take_member(void *ctx, const char *name, const struct json *value)
{
	struct members *m = ctx;

	m->items[m->count++] = (struct member){ name, value };
}

static int
compare_members(const void *a, const void *b)
{
	return strcmp(
	    ((const struct member *)a)->name, ((const struct member *)b)->name);
}

/* Deeper than JSON_DEPTH_MAX nothing was read. */
static void
write_sorted(
    struct buf *b, const struct json *j) /* NOLINT(misc-no-recursion) */
{
	struct members m = { 0 };

	switch (json_kind(j)) {
	case JSON_KIND_OBJECT:
		m.items =
		    arena_alloc(b->arena, json_count(j) * sizeof(*m.items));
		json_each(j, take_member, &m);
		qsort(m.items, m.count, sizeof(*m.items), compare_members);
		buf_putc(b, '{');
		for (size_t i = 0; i < m.count; i++) {
			json_write_string(b, m.items[i].name);
			buf_putc(b, ':');
			write_sorted(b, m.items[i].value);
			buf_putc(b, ',');
		}
		buf_putc(b, '}');
		break;
	case JSON_KIND_ARRAY:
		buf_putc(b, '[');
		for (size_t i = 0; i < json_count(j); i++) {
			write_sorted(b, json_item(j, i));
			buf_putc(b, ',');
		}
		buf_putc(b, ']');
		break;
	default:
		json_write(b, j);
	}
}

void
operation_add_json(struct operation *o, const struct json *j)
{
	buf_putc(&o->text, ',');
	if (j == NULL)
		buf_puts(&o->text, "null");
	else
		write_sorted(&o->text, j);
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

#include "web/components.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "web/service.h"

enum { DESCRIPTION_MAX_BYTES = 16 * 1024 };

static void
write_key(struct buf *b, const char *key)
{
	json_write_string(b, key);
	buf_putc(b, ':');
}

static bool
is_known(const struct components *c, const struct schema *s, bool out)
{
	for (int i = 0; i < c->count; i++) {
		if (strcmp(c->named[i].schema->name, s->name) != 0)
			continue;
		assert(c->named[i].schema->fields == s->fields &&
		       c->named[i].out == out);
		return true;
	}
	return false;
}

/*
 * The recursion ends: it follows constant tables, and stops at schemas whose
 * names were collected already.
 */
void
components_collect(struct components *c, const struct schema *s, bool out)
{
	if (s == NULL || s->size == 0)
		return;
	if (s->name != NULL) {
		if (is_known(c, s, out))
			return;
		assert(c->count < COMPONENTS_MAX);
		c->named[c->count].schema = s;
		c->named[c->count++].out = out;
	}
	for (const struct field *f = s->fields; f->name != NULL; f++)
		components_collect(c, f->of, out);
}

/*
 * error_schema is the body that error.c writes.  own_error_schema is for
 * services that write error bodies in their own format: it promises fewer
 * members.
 */
static const char error_schema[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"code\":{\"type\":\"string\",\"description\":\"Stable; for programs.\"},"
    "\"message\":{\"type\":\"string\",\"description\":\"For people.\"},"
    "\"requestId\":{\"type\":\"string\"},"
    "\"fields\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"properties\":{\"field\":{\"type\":\"string\"},"
    "\"in\":{\"type\":\"string\","
    "\"enum\":[\"body\",\"query\",\"path\",\"header\"]},"
    "\"problem\":{\"type\":\"string\",\"enum\":[\"missing\",\"type\","
    "\"too_small\",\"too_large\",\"format\",\"unknown\",\"duplicate\","
    "\"rule\"]},"
    "\"message\":{\"type\":\"string\"}},"
    "\"required\":[\"field\",\"in\",\"problem\",\"message\"]}}},"
    "\"required\":[\"code\",\"message\",\"requestId\"]}";
static const char own_error_schema[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"code\":{\"type\":\"string\",\"description\":\"Stable; for programs.\"},"
    "\"message\":{\"type\":\"string\",\"description\":\"For people.\"}}}";

/* Writes the description of an error, and the service's own codes for it. */
static void
write_description(struct buf *b, const struct service *s, enum err e)
{
	const struct service_code *c = s->codes;
	struct buf text;
	int count = 0;

	buf_init(&text, b->arena, DESCRIPTION_MAX_BYTES);
	buf_puts(&text, err_info(e)->message);
	for (; c != NULL && c->code != NULL; c++) {
		if (c->err != e)
			continue;
		buf_puts(&text, count++ == 0 ? ". Among the codes:\n" : "");
		buf_printf(&text, "\n- `%s`: %s", c->code, c->message);
	}
	json_write_string(b, text.data);
}

static void
write_error_response(struct buf *b, const struct service *s, enum err e)
{
	const struct err_info *info = err_info(e);

	write_key(b, info->code);
	buf_puts(b, "{\"description\":");
	write_description(b, s, e);
	if (e == ERR_RATE_LIMITED || e == ERR_UNAVAILABLE)
		buf_puts(b,
		    ",\"headers\":{\"Retry-After\":{\"description\":"
		    "\"Seconds to wait.\",\"schema\":{\"type\":\"integer\"}}}");
	buf_puts(b, ",\"content\":{\"application/json\":{\"schema\":"
		    "{\"$ref\":\"#/components/schemas/Error\"}}}}");
}

void
components_write(
    const struct components *c, const struct service *s, struct buf *b)
{
	buf_puts(b, ",\"components\":{\"schemas\":{\"Error\":");
	buf_puts(
	    b, s->hooks.write_error != NULL ? own_error_schema : error_schema);
	for (int i = 0; i < c->count; i++) {
		const struct schema *schema = c->named[i].schema;

		buf_putc(b, ',');
		write_key(b, schema->name);
		if (c->named[i].out)
			schema_openapi_out(schema, b);
		else
			schema_openapi(schema, b, FROM_BODY);
	}
	buf_puts(b, "},\"responses\":");
	for (unsigned e = ERR_OK + 1; e < ERR__MAX; e++) {
		if (e == ERR_ABANDONED) /* the client has disconnected and sees
		                           no response */
			continue;
		buf_putc(b, e == ERR_OK + 1 ? '{' : ',');
		write_error_response(b, s, (enum err)e);
	}
	buf_puts(b, "},\"securitySchemes\":{\"session\":{\"type\":\"apiKey\","
		    "\"in\":\"cookie\",\"name\":");
	json_write_string(
	    b, s->session_cookie != NULL ? s->session_cookie : "session");
	buf_puts(b,
	    ",\"description\":\"Set by signing in. Over https the name begins "
	    "with __Secure-.\"}}}");
}

#include "auth/http/ok_routes.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "web/query.h"
#include "web/request.h"
#include "web/service.h"

enum { LOCATION_MAX_BYTES = 2048, ERROR_TEXT_MAX = 512 };

struct ok_out {
	bool ok;
};

/* clang-format off */
static const struct field ok_fields[] = {
	{ FIELD(struct ok_out, ok, "ok"), .required = true,
	  .doc = "Always true." },
	{ 0 },
};
/* clang-format on */

static enum err
answer_ok(struct req *r, const void *in_struct, void *out_struct)
{
	struct ok_out *out = out_struct;

	(void)r;
	(void)in_struct;
	out->ok = true;
	return ERR_OK;
}

static bool
is_code(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		if (!str_is_alnum(*s) && strchr("'_-", *s) == NULL)
			return false;
	}
	return true;
}

/* Writes application/x-www-form-urlencoded text, like URLSearchParams. */
static void
put_form_text(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		if (str_is_alnum(*s) || strchr("*-._", *s) != NULL)
			buf_putc(b, *s);
		else if (*s == ' ')
			buf_putc(b, '+');
		else
			buf_printf(b, "%%%02X", (unsigned char)*s);
	}
}

static enum err
redirect_error(struct req *r, const void *in_struct, void *out_struct)
{
	const char *code = query_find(r->arena, r->query, "error", NULL);
	const char *description =
	    query_find(r->arena, r->query, "error_description", NULL);
	struct buf b;

	(void)in_struct;
	(void)out_struct;
	buf_init(&b, r->arena, LOCATION_MAX_BYTES);
	buf_puts(&b, "/?error=");
	put_form_text(
	    &b, code != NULL && is_code(code) && strlen(code) <= ERROR_TEXT_MAX
		    ? code
		    : "UNKNOWN");
	if (description != NULL && *description != '\0' &&
	    strlen(description) <= ERROR_TEXT_MAX) {
		buf_puts(&b, "&error_description=");
		put_form_text(&b, description);
	}
	if (buf_failed(&b))
		return ERR_INTERNAL;
	req_add_header(r, "Location", b.data);
	req_answer(r, 302, NULL, NULL, 0);
	return ERR_OK;
}

/* clang-format off */
static const struct route_header error_headers[] = {
	{ "Location", "The page, with the error's code in its query." },
	{ 0 },
};

const struct route ok_routes[] = {
	{ "GET", "/ok", answer_ok, .summary = "Whether the API works",
	  .guard = GUARD_NONE, .out = SCHEMA(struct ok_out, ok_fields) },
	{ "GET", "/error", redirect_error,
	  .summary = "Where a failed sign-in by browser ends: back to /",
	  .guard = GUARD_NONE, .status = 302, .headers = error_headers },
	{ 0 },
};
/* clang-format on */

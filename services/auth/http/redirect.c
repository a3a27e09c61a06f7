#include "auth/http/redirect.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/http/refusal.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "web/origins.h"
#include "web/query.h"
#include "web/request.h"

enum { URL_MAX_BYTES = 8192 };

enum err
redirect_target(struct req *r, const char **ret_url)
{
	int count = 0;
	const char *url = query_find(r->arena, r->query, "callbackURL", &count);

	if (count > 1)
		return req_fail(r, ERR_INVALID, REFUSAL_NO_CODE,
		    "Invalid callbackURL: expected a string");
	*ret_url = url;
	if (url == NULL || *url == '\0' ||
	    origins_trust_target(auth_of(r)->origins, url))
		return ERR_OK;
	return refuse(r, REFUSE_INVALID_CALLBACK_URL);
}

/* Whether the pair of len bytes is NAME=... */
static bool
is_named(const char *pair, size_t len, const char *name)
{
	size_t n = strlen(name);

	return len >= n && memcmp(pair, name, n) == 0 &&
	       (len == n || pair[n] == '=');
}

const char *
redirect_add(
    struct arena *a, const char *url, const char *name, const char *value)
{
	size_t path = strcspn(url, "?#");
	size_t end = strcspn(url, "#");
	const char *query = url + path + (url[path] == '?');
	char mark = '?';
	struct buf b;

	buf_init(&b, a, URL_MAX_BYTES);
	buf_put(&b, url, path);
	while (query < url + end) {
		size_t len = strcspn(query, "&#");

		if (len > 0 && !is_named(query, len, name)) {
			buf_putc(&b, mark);
			buf_put(&b, query, len);
			mark = '&';
		}
		query += len + (query[len] == '&');
	}
	buf_printf(
	    &b, "%c%s=%s%s", mark, name, percent_encode(a, value), url + end);
	return buf_failed(&b) ? NULL : b.data;
}

const char *
redirect_resolve(struct req *r, const char *url)
{
	if (*url != '/')
		return url;
	return arena_printf(
	    r->arena, "%s%s", origins_own(auth_of(r)->origins), url);
}

enum err
redirect_to(struct req *r, const char *url)
{
	struct buf b;

	if (url == NULL)
		return ERR_TOO_LARGE;
	buf_init(&b, r->arena, URL_MAX_BYTES);
	/* A header has ASCII only: RFC 3986 section 2.1. */
	for (; *url != '\0'; url++) {
		if (*url > ' ' && *url < 0x7f)
			buf_putc(&b, *url);
		else
			buf_printf(&b, "%%%02X", (unsigned char)*url);
	}
	if (buf_failed(&b))
		return ERR_TOO_LARGE;
	req_add_header(r, "Location", b.data);
	/* The content type of BetterAuth's redirects, without content. */
	req_answer(r, 302, "application/json", "", 0);
	return ERR_OK;
}

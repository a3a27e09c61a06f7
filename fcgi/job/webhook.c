#include "job/webhook.h"

#include <string.h>

#include "base/str.h"
#include "http_client/http_url.h"
#include "job/webhook_sign.h"

enum { KIND_MAX_BYTES = 100 };

/*
 * Checks an event type: "*", or words of lower-case letters, digits, '_' and
 * '-', joined by dots.
 */
static bool
is_kind(const char *text)
{
	size_t len = strlen(text);

	if (str_eq(text, "*"))
		return true;
	return len >= 1 && len <= KIND_MAX_BYTES && text[0] >= 'a' &&
	       text[0] <= 'z' && text[len - 1] != '.' &&
	       strstr(text, "..") == NULL &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

enum webhook_problem
webhook_check(
    struct arena *a, const struct webhook_settings *in, bool allow_private)
{
	enum err e = ERR_OK;

	if (in->url != NULL)
		e = http_url_check(in->url, allow_private);
	if (e != ERR_OK)
		return e == ERR_FORBIDDEN ? WEBHOOK_URL_PRIVATE
		                          : WEBHOOK_URL_INVALID;
	for (size_t i = 0; i < in->kinds.count; i++) {
		if (!is_kind(in->kinds.items[i]))
			return WEBHOOK_KIND_INVALID;
	}
	if (in->secret != NULL && !webhook_secret_valid(a, in->secret))
		return WEBHOOK_SECRET_INVALID;
	return WEBHOOK_FINE;
}

enum err
webhook_create(struct db *db, struct arena *a,
    const struct webhook_settings *in, struct webhook *ret_webhook,
    const char **ret_secret)
{
	struct webhook_settings all = *in;
	enum err e;

	if (all.secret == NULL)
		all.secret = webhook_new_secret(a);
	e = webhook_insert(db, a, &all, ret_webhook);
	if (e == ERR_OK)
		*ret_secret = all.secret;
	return e;
}

enum err
webhook_rotate(struct db *db, struct arena *a, const char *id,
    struct webhook *ret_webhook, const char **ret_secret)
{
	const char *secret = webhook_new_secret(a);
	enum err e;

	e = webhook_replace_secret(db, a, id, secret, ret_webhook);
	if (e == ERR_OK)
		*ret_secret = secret;
	return e;
}

enum err
webhook_test(struct db *db, struct arena *a, const char *id,
    const char *trace_id, const char *request_id, const char **ret_job_id)
{
	struct webhook webhook;
	enum err e;

	e = webhook_find(db, a, id, &webhook);
	if (e != ERR_OK)
		return e;
	if (!webhook.enabled)
		return ERR_CONFLICT;
	e = webhook_insert_test(db, a, id, trace_id, request_id, ret_job_id);
	if (e == ERR_OK)
		job_wake(db);
	return e;
}

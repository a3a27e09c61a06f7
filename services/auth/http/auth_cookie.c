#include "auth/http/auth_cookie.h"

#include "auth/auth.h"
#include "auth/http/signed_cookie.h"
#include "auth/plugin.h"
#include "base/arena.h"
#include "web/cookie.h"
#include "web/request.h"

static const char *
full_name(const struct req *r, const struct auth_cookie *cookie)
{
	return arena_printf(
	    r->arena, "%s%s", auth_of(r)->cookie_prefix, cookie->name);
}

struct signed_cookie_key
auth_cookie_key(const struct auth *auth, const char *name)
{
	return (struct signed_cookie_key){
		.secret = auth->secret,
		.secret_len = auth->secret_len,
		.name = name,
		.previous = auth->secret_previous,
		.previous_len = auth->secret_previous_len,
	};
}

const char *
auth_cookie_find(const struct req *r, const struct auth_cookie *cookie)
{
	const struct signed_cookie_key key =
	    auth_cookie_key(auth_of(r), full_name(r, cookie));
	const char *value;

	return signed_cookie_find_all(
		   r->arena, &key, req_header(r, "COOKIE"), &value, 1) == 1
	           ? value
	           : NULL;
}

static void
put(struct req *r, const struct auth_cookie *cookie, const char *value,
    int64_t max_age_s)
{
	req_add_cookie(
	    r, cookie_write(r->arena, &(struct cookie){
					  .name = full_name(r, cookie),
					  .value = value,
					  .max_age_s = max_age_s,
					  .secure = auth_of(r)->secure,
				      }));
}

void
auth_cookie_set(struct req *r, const struct auth_cookie *cookie,
    const char *value, int64_t max_age_s)
{
	const struct auth *auth = auth_of(r);

	put(r, cookie,
	    signed_cookie_write(
		r->arena, auth->secret, auth->secret_len, value),
	    max_age_s);
}

void
auth_cookie_clear(struct req *r, const struct auth_cookie *cookie)
{
	put(r, cookie, "", 0);
}

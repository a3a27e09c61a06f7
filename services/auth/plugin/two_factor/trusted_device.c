#include "auth/plugin/two_factor/trusted_device.h"

#include <stddef.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/http/auth_cookie.h"
#include "auth/identity/second_factor.h"
#include "auth/identity/verification.h"
#include "auth/plugin/two_factor/two_factor_config.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/random.h"
#include "base/str.h"
#include "db/db.h"
#include "web/request.h"

enum { ID_LEN = 32 };

#define ID_PREFIX TRUSTED_DEVICE_PREFIX

static const struct auth_cookie *const cookie =
    &two_factor_cookies[COOKIE_TRUSTED];

static const char *
mac_of(struct arena *a, const char *secret, size_t secret_len,
    const char *user_id, const char *id)
{
	const char *text = arena_printf(a, "%s!%s", user_id, id);
	unsigned char mac[SHA256_SIZE];

	hmac_sha256(secret, secret_len, text, strlen(text), mac);
	return base64url_encode(a, mac, sizeof(mac));
}

enum err
trusted_device_add(struct req *r, const char *user_id, int64_t ttl_s)
{
	const struct auth *auth = auth_of(r);
	char random[ID_LEN + 1];
	const char *id;
	enum err e;

	random_alnum(random, ID_LEN);
	id = arena_printf(r->arena, ID_PREFIX "%s", random);
	e = verification_create(auth->process.db, r->arena, id, user_id, ttl_s);
	if (e != ERR_OK)
		return e;
	auth_cookie_set(r, cookie,
	    arena_printf(r->arena, "%s!%s",
		mac_of(r->arena, auth->secret, auth->secret_len, user_id, id),
		id),
	    ttl_s);
	return ERR_OK;
}

static bool
has_mac(const char *value, const char *mac)
{
	size_t len = strlen(mac);

	return strlen(value) > len && value[len] == '!' &&
	       digest_equal(value, mac, len);
}

/*
 * Returns the device id in the request's cookie; NULL: no cookie, or the cookie
 * of another user.
 */
static const char *
id_in_cookie(struct req *r, const char *user_id)
{
	const struct auth *auth = auth_of(r);
	const char *value = auth_cookie_find(r, cookie);
	const char *id = value == NULL ? NULL : strchr(value, '!');

	if (id == NULL)
		return NULL;
	id++;
	if (has_mac(value,
		mac_of(r->arena, auth->secret, auth->secret_len, user_id, id)))
		return id;
	if (auth->secret_previous != NULL &&
	    has_mac(value, mac_of(r->arena, auth->secret_previous,
			       auth->secret_previous_len, user_id, id)))
		return id;
	return NULL;
}

/* Deletes the row; the result says whether it was still good. */
static const struct db_stmt take = {
	.name = "trusted_device_take",
	.sql = "WITH gone AS (DELETE FROM verification"
	       " WHERE identifier = $1 AND value = $2"
	       " RETURNING \"createdAt\", \"expiresAt\")"
	       " SELECT FROM gone WHERE \"expiresAt\" > now()"
	       " AND NOT EXISTS (SELECT FROM account a"
	       " WHERE a.\"userId\" = $2 AND a.password IS NOT NULL"
	       " AND a.\"updatedAt\" > gone.\"createdAt\")"
	       " AND NOT EXISTS (SELECT FROM \"twoFactor\" t"
	       " WHERE t.\"userId\" = $2"
	       " AND t.kedge_trusted_since > gone.\"createdAt\")",
	.nargs = 2,
};

enum err
trusted_device_check(
    struct req *r, const char *user_id, int64_t ttl_s, bool *ret_trusted)
{
	const char *id = id_in_cookie(r, user_id);
	struct db_rows rows = { 0 };
	enum err e = ERR_OK;

	*ret_trusted = false;
	if (id != NULL)
		e = db_run(auth_of(r)->process.db, r->arena, &take,
		    DB_ARGS(id, user_id), &rows);
	if (e != ERR_OK)
		return e;
	if (rows.count > 0) {
		*ret_trusted = true;
		return trusted_device_add(r, user_id, ttl_s);
	}
	if (auth_cookie_find(r, cookie) != NULL)
		auth_cookie_clear(r, cookie);
	return ERR_OK;
}

enum err
trusted_device_remove(struct req *r, const char *user_id)
{
	const char *id = id_in_cookie(r, user_id);
	enum err e = ERR_OK;

	if (id != NULL)
		e = db_run(auth_of(r)->process.db, r->arena, &take,
		    DB_ARGS(id, user_id), NULL);
	if (e == ERR_OK && auth_cookie_find(r, cookie) != NULL)
		auth_cookie_clear(r, cookie);
	return e;
}

#include "adopt_cookie.h"

#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/str.h"
#include "db/db.h"
#include "db/db_script.h"
#include "web/query.h"

#include "message.h"

#define NAME "session_token="
#define SECURE "__Secure-"

enum { MAC_TEXT_LEN = 44 }; /* of a SHA-256 in base64 */

/* Finds the value, and what its name says. */
static const char *
find_value(struct arena *a, const char *text, struct adopt_cookie *ret)
{
	const char *at = strstr(text, NAME);
	const char *name = at;
	size_t len;

	if (at == NULL)
		return text;
	while (name > text && strchr(" ;:\t", name[-1]) == NULL)
		name--;
	ret->is_secure = str_has_prefix(name, SECURE);
	if (ret->is_secure)
		name += sizeof(SECURE) - 1;
	/* between the prefix and the name is a dot, or a dash */
	if (at > name)
		ret->prefix = arena_strndup(a, name, (size_t)(at - name) - 1);
	at += sizeof(NAME) - 1;
	len = strcspn(at, "; \t\n");
	return arena_strndup(a, at, len);
}

/* Splits "TOKEN.SIGNATURE"; NULL: it is no signed value. */
static const char *
split(struct arena *a, const char *value, const char **ret_mac)
{
	const char *text =
	    strchr(value, '%') == NULL
		? value
		: percent_decode(a, value, strlen(value), /* plus= */ false);
	const char *dot = text != NULL ? strrchr(text, '.') : NULL;

	if (dot == NULL || dot == text || strlen(dot + 1) != MAC_TEXT_LEN)
		return NULL;
	*ret_mac = dot + 1;
	return arena_strndup(a, text, (size_t)(dot - text));
}

static bool
is_signed(
    struct arena *a, const char *secret, const char *token, const char *mac)
{
	unsigned char own[SHA256_SIZE];

	hmac_sha256(secret, strlen(secret), token, strlen(token), own);
	return digest_equal(
	    base64_encode(a, own, sizeof(own)), mac, MAC_TEXT_LEN);
}

static const char session_sql[] =
    "SELECT u.email, s.\"expiresAt\" > now() FROM public.session s"
    " JOIN public.\"user\" u ON u.id = s.\"userId\" WHERE s.token = $1";

bool
adopt_cookie_check(struct arena *a, struct db_script *script, const char *text,
    const char *secret, struct adopt_cookie *ret)
{
	const char *mac, *token, *value;
	struct db_rows rows;

	*ret = (struct adopt_cookie){ 0 };
	value = find_value(a, text, ret);
	token = split(a, value, &mac);
	if (token == NULL) {
		print_error("--cookie: this is no signed cookie "
			    "(TOKEN.SIGNATURE): copy "
			    "the cookie better-auth.session_token of a browser "
			    "that is signed in");
		return false;
	}
	if (!is_signed(a, secret, token, mac)) {
		print_error("the secret is wrong: this cookie was not signed "
			    "with it. Nothing was changed. Take "
			    "BETTER_AUTH_SECRET (or AUTH_SECRET, or the option "
			    "secret) of the BetterAuth server that set the "
			    "cookie");
		return false;
	}
	if (db_script_query(script, a, session_sql, DB_ARGS(token), &rows) !=
	    ERR_OK) {
		print_error("cannot look for the session: %s",
		    db_script_problem(script));
		return false;
	}
	if (rows.count == 0 || !db_get_bool(&rows, 0, 1)) {
		print_error("the cookie is signed with this secret, but its "
			    "session %s. Sign in again and copy the new "
			    "cookie, or name the database of that server in "
			    "--from",
		    rows.count == 0 ? "is not in this database"
				    : "has expired");
		return false;
	}
	ret->token = token;
	ret->email = db_get_text(&rows, 0, 0);
	return true;
}

#include "auth/plugin/two_factor/challenge.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/http/auth_cookie.h"
#include "auth/http/session_cookie.h"
#include "auth/plugin/two_factor/two_factor_config.h"
#include "auth/signin/signin.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/random.h"
#include "base/str.h"
#include "db/db.h"
#include "web/request.h"

enum { ID_LEN = 20 };

/* Milliseconds, as BetterAuth writes times. */
#define NOW "date_trunc('milliseconds', now())"
#define ID_PREFIX "2fa-"
#define TRIES_PREFIX "2fa-attempts-"
#define PROOF_PREFIX "2fa-proof-"

const struct auth_cookie *const challenge_cookie =
    &two_factor_cookies[COOKIE_CHALLENGE];

/* -- what has been proven, as text -- */

static const char by_password[] = "password:";
static const char by_account[] = "account:";
static const char by_email[] = "email:";

/* The hash itself need not stand in a second place. */
static const char *
proof_write(struct arena *a, const struct proof *proof)
{
	char hash[SHA256_HEX_SIZE];

	switch (proof->kind) {
	case PROOF_PASSWORD:
		sha256_hex(
		    proof->password_hash, strlen(proof->password_hash), hash);
		return arena_printf(
		    a, "%s%s:%s", by_password, hash, proof->account_id);
	case PROOF_ACCOUNT:
		return arena_printf(a, "%s%s", by_account, proof->account_id);
	case PROOF_EMAIL:
		return arena_printf(a, "%s%s", by_email, proof->email);
	case PROOF__MAX:
		break;
	}
	assert(false);
	return NULL;
}

/* Returns the text after the prefix; NULL: the text has another prefix. */
static const char *
after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static bool
is_of_password(const char *text, const struct account *account)
{
	char hash[SHA256_HEX_SIZE];

	if (account->password_hash == NULL || account->id == NULL)
		return false;
	sha256_hex(
	    account->password_hash, strlen(account->password_hash), hash);
	text = after(text, hash);
	return text != NULL && *text == ':' && str_eq(text + 1, account->id);
}

/*
 * Returns false when the proof of the first factor is not valid any more (for
 * example, the password was changed).
 */
static bool
proof_read(
    const char *text, const struct account *account, struct proof *ret_proof)
{
	const char *rest;

	if ((rest = after(text, by_password)) != NULL) {
		*ret_proof = (struct proof){
			.kind = PROOF_PASSWORD,
			.account_id = account->id,
			.password_hash = account->password_hash,
		};
		return is_of_password(rest, account);
	}
	if ((rest = after(text, by_account)) != NULL) {
		*ret_proof =
		    (struct proof){ .kind = PROOF_ACCOUNT, .account_id = rest };
		return true;
	}
	if ((rest = after(text, by_email)) != NULL) {
		*ret_proof =
		    (struct proof){ .kind = PROOF_EMAIL, .email = rest };
		return true;
	}
	return false;
}

/* -- the rows -- */

static const struct db_stmt insert = {
	.name = "two_factor_challenge_insert",
	.sql = "INSERT INTO verification (id, identifier, value,"
	       " \"expiresAt\", \"createdAt\", \"updatedAt\")"
	       " SELECT uuidv7()::text, prefix || $1, value,"
	       " " NOW " + $4::bigint * interval '1 s', " NOW ", " NOW
	       " FROM (VALUES ('', $2), ('" TRIES_PREFIX "', '0'),"
	       " ('" PROOF_PREFIX "', $3)) AS row (prefix, value)",
	.nargs = 4,
};

/* The browser gets no session, and loses the one that it had. */
static void
set_cookies(struct req *r, const char *id, bool remember, int64_t ttl_s)
{
	session_cookie_postpone(r, /* brief= */ !remember);
	auth_cookie_set(r, challenge_cookie, id, ttl_s);
}

enum err
challenge_begin(struct req *r, const struct signin *in, int64_t ttl_s)
{
	char random[ID_LEN + 1];
	const char *id;
	enum err e;

	random_alnum(random, ID_LEN);
	id = arena_printf(r->arena, ID_PREFIX "%s", random);
	e = db_run(auth_of(r)->process.db, r->arena, &insert,
	    DB_ARGS(id, in->user->id, proof_write(r->arena, &in->proof),
		arena_i64(r->arena, ttl_s)),
	    NULL);
	if (e == ERR_OK)
		set_cookies(r, id, in->remember, ttl_s);
	return e;
}

static const struct db_stmt select_rows = {
	.name = "two_factor_challenge_select",
	.sql = "SELECT c.value, p.value FROM verification c"
	       " JOIN verification p"
	       " ON p.identifier = '" PROOF_PREFIX "' || c.identifier"
	       " WHERE c.identifier = $1"
	       " AND c.\"expiresAt\" > clock_timestamp()",
	.nargs = 1,
	.read_only = true,
};
enum { SELECTED_USER, SELECTED_PROOF };

enum err
challenge_find(struct req *r, struct challenge *ret)
{
	struct db *db = auth_of(r)->process.db;
	const char *id = auth_cookie_find(r, challenge_cookie);
	struct db_rows rows;
	enum err e;

	/* The signature does not say of which cookie the value is. */
	if (id == NULL || after(id, ID_PREFIX) == NULL)
		return ERR_NOT_FOUND;
	e = db_run_one(db, r->arena, &select_rows, DB_ARGS(id), &rows);
	if (e != ERR_OK)
		return e;
	ret->id = id;
	ret->remember = !session_cookie_is_brief(r);
	e = account_find_by(db, r->arena, "id",
	    db_get_text(&rows, 0, SELECTED_USER), &ret->account);
	if (e != ERR_OK)
		return e;
	return proof_read(db_get_text(&rows, 0, SELECTED_PROOF), &ret->account,
		   &ret->proof)
	           ? ERR_OK
	           : ERR_NOT_FOUND;
}

static const struct db_stmt count_try = {
	.name = "two_factor_challenge_try",
	.sql = "UPDATE verification"
	       " SET value = (value::bigint + 1)::text, \"updatedAt\" = " NOW
	       " WHERE identifier = '" TRIES_PREFIX "' || $1"
	       " AND value ~ '^[0-9]{1,9}$'"
	       " AND \"expiresAt\" > clock_timestamp()"
	       " RETURNING value::bigint",
	.nargs = 1,
};

enum err
challenge_try(struct req *r, const struct challenge *c)
{
	struct db_rows rows;
	enum err e = db_run_one(auth_of(r)->process.db, r->arena, &count_try,
	    DB_ARGS(c->id), &rows);

	if (e != ERR_OK)
		return e;
	return db_get_i64(&rows, 0, 0) <= CHALLENGE_TRIES ? ERR_OK
	                                                  : ERR_RATE_LIMITED;
}

/* Two requests delete the same rows: the second one finds none. */
static const struct db_stmt delete_rows = {
	.name = "two_factor_challenge_delete",
	.sql = "WITH gone AS (DELETE FROM verification WHERE identifier IN"
	       " ($1, '" TRIES_PREFIX "' || $1, '" PROOF_PREFIX "' || $1)"
	       " RETURNING identifier, \"expiresAt\")"
	       " SELECT FROM gone WHERE identifier = $1"
	       " AND \"expiresAt\" > clock_timestamp()",
	.nargs = 1,
};

enum err
challenge_end(struct req *r, const struct challenge *c)
{
	struct db_rows rows;
	enum err e = db_run(auth_of(r)->process.db, r->arena, &delete_rows,
	    DB_ARGS(c->id), &rows);

	return e != ERR_OK || rows.count > 0 ? e : ERR_NOT_FOUND;
}

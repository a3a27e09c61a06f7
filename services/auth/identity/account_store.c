#include "auth/identity/account_store.h"

#include "auth/identity/user_store.h"
#include "base/arena.h"
#include "db/db.h"

#define NOW "date_trunc('milliseconds', now())"
/*
 * The account by which a user signs in with a password: that of the provider
 * `credential`, whatever its accountId says.  BetterAuth writes the user's id
 * there and 1.4 never looked at it; tools that import people into BetterAuth
 * write the address, or the id of the system that they come from.
 */
#define CREDENTIAL                                                    \
	"SELECT a.id, nullif(a.password, ''), " USER_COLUMNS          \
	" FROM \"user\" u LEFT JOIN account a ON a.\"userId\" = u.id" \
	" AND a.\"providerId\" = 'credential'"
/* Of several, the one that BetterAuth 1.7 itself would take. */
#define FIRST                                               \
	" ORDER BY a.\"accountId\" = u.id DESC NULLS LAST," \
	" a.\"createdAt\", a.id LIMIT 1"

enum { CREDENTIAL_ACCOUNT_ID, CREDENTIAL_PASSWORD_HASH, CREDENTIAL_USER };

static const struct db_stmt select_by_email = {
	.name = "credential_select_by_email",
	.sql = CREDENTIAL " WHERE u.email = $1" FIRST,
	.nargs = 1,
	.read_only = true,
};
static const struct db_stmt select_by_user = {
	.name = "credential_select_by_user",
	.sql = CREDENTIAL " WHERE u.id = $1" FIRST,
	.nargs = 1,
	.read_only = true,
};

static enum err
find(struct db *db, struct arena *a, const struct db_stmt *stmt,
    const char *key, struct credential *ret_credential)
{
	struct db_rows rows;
	enum err e = db_run(db, a, stmt, DB_ARGS(key), &rows);

	if (e != ERR_OK)
		return e;
	if (rows.count == 0)
		return ERR_NOT_FOUND;
	*ret_credential = (struct credential){
		.user = user_read(&rows, 0, CREDENTIAL_USER),
		.account_id = db_find_text(&rows, 0, CREDENTIAL_ACCOUNT_ID),
		.password_hash =
		    db_find_text(&rows, 0, CREDENTIAL_PASSWORD_HASH),
	};
	return ERR_OK;
}

enum err
credential_find(struct db *db, struct arena *a, const char *email,
    struct credential *ret_credential)
{
	return find(db, a, &select_by_email, email, ret_credential);
}

enum err
credential_find_of_user(struct db *db, struct arena *a, const char *user_id,
    struct credential *ret_credential)
{
	return find(db, a, &select_by_user, user_id, ret_credential);
}

static const struct db_stmt update_password = {
	.name = "credential_update",
	.sql = "UPDATE account SET password = $3, \"updatedAt\" = " NOW
	       " WHERE id = $1 AND password = $2",
	.nargs = 3,
};

enum err
credential_update(struct db *db, struct arena *a, const char *account_id,
    const char *old_hash, const char *new_hash)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &update_password,
	    DB_ARGS(account_id, old_hash, new_hash), &rows);

	return e != ERR_OK || rows.affected == 1 ? e : ERR_NOT_FOUND;
}

/* The foreign keys are checked at the end of the statement. */
static const struct db_stmt insert = {
	.name = "credential_insert_user",
	.sql =
	    "WITH u AS ("
	    "INSERT INTO \"user\" (id, name, email, \"emailVerified\", image,"
	    " role, banned, \"createdAt\", \"updatedAt\")"
	    " VALUES (uuidv7()::text, $1, $2, false, $3, $4, false, " NOW ","
	    " " NOW ") RETURNING *"
	    "), a AS ("
	    "INSERT INTO account (id, \"accountId\", \"providerId\","
	    " \"userId\", password, \"createdAt\", \"updatedAt\")"
	    " SELECT uuidv7()::text, u.id, 'credential', u.id, $5, " NOW ","
	    " " NOW " FROM u"
	    "), s AS ("
	    "INSERT INTO session (id, token, \"userId\", \"ipAddress\","
	    " \"userAgent\", \"createdAt\", \"updatedAt\", \"expiresAt\")"
	    " SELECT uuidv7()::text, $6, u.id, $7, $8, " NOW ", " NOW ","
	    " " NOW " + $9::bigint * interval '1 s'"
	    " FROM u WHERE $6::text IS NOT NULL"
	    ") SELECT " USER_COLUMNS " FROM u",
	.nargs = 9,
};

enum err
credential_insert_user(struct db *db, struct arena *a,
    const struct credential_new *account, struct user *ret_user)
{
	const char *ttl = arena_i64(a, account->ttl_s);
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &insert,
	    DB_ARGS(account->name, account->email, account->image,
		account->role, account->password_hash, account->token,
		account->ip_address, account->user_agent, ttl),
	    &rows);
	if (e != ERR_OK)
		return e;
	*ret_user = user_read(&rows, 0, 0);
	return ERR_OK;
}

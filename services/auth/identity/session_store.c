#include "auth/identity/session_store.h"

#include "auth/auth.h"
#include "auth/identity/user_store.h"
#include "base/arena.h"
#include "db/db.h"

/* The columns of `session AS s` that session_read() reads, in its order. */
/* clang-format off */
#define SESSION_COLUMNS                                                        \
	"s.id, s.token, s.\"userId\","                                         \
	" " DB_TIME("s.\"expiresAt\"") ","                                     \
	" " DB_TIME("s.\"createdAt\"") ","                                     \
	" " DB_TIME("s.\"updatedAt\"") ","                                     \
	" s.\"ipAddress\", s.\"userAgent\", s.\"impersonatedBy\""
/* clang-format on */

/* Milliseconds, as BetterAuth writes times. */
#define NOW "date_trunc('milliseconds', now())"

enum {
	ID,
	TOKEN,
	USER_ID,
	EXPIRES_AT,
	CREATED_AT,
	UPDATED_AT,
	IP_ADDRESS,
	USER_AGENT,
	IMPERSONATED_BY,
	SESSION_NCOLUMNS
};

static struct session
session_read(const struct db_rows *rows, int row)
{
	return (struct session){
		.id = db_get_text(rows, row, ID),
		.token = db_get_text(rows, row, TOKEN),
		.user_id = db_get_text(rows, row, USER_ID),
		.expires_at = db_get_text(rows, row, EXPIRES_AT),
		.created_at = db_get_text(rows, row, CREATED_AT),
		.updated_at = db_get_text(rows, row, UPDATED_AT),
		.ip_address = db_find_text(rows, row, IP_ADDRESS),
		.user_agent = db_find_text(rows, row, USER_AGENT),
		.impersonated_by = db_find_text(rows, row, IMPERSONATED_BY),
	};
}

static const struct db_stmt select_found = {
	.name = "session_select",
	.sql = "SELECT " SESSION_COLUMNS ","
	       " s.\"expiresAt\" <= now(),"
	       " s.\"createdAt\" > now() - $2::bigint * interval '1 s',"
	       " s.\"expiresAt\" <= now() + $3::bigint * interval '1 s',"
	       " " USER_COLUMNS
	       " FROM session s JOIN \"user\" u ON u.id = s.\"userId\""
	       " WHERE s.token = $1",
	.nargs = 3,
	.read_only = true,
};
enum {
	FOUND_EXPIRED = SESSION_NCOLUMNS,
	FOUND_FRESH,
	FOUND_REFRESH_DUE,
	FOUND_USER
};

enum err
session_select(struct db *db, struct arena *a, const char *token,
    struct session_found *ret_found)
{
	const char *fresh = arena_printf(a, "%d", SESSION_FRESH_AGE_S);
	const char *due =
	    arena_printf(a, "%d", SESSION_TTL_S - SESSION_UPDATE_AGE_S);
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &select_found, DB_ARGS(token, fresh, due), &rows);
	if (e != ERR_OK)
		return e;
	if (rows.count == 0)
		return ERR_NOT_FOUND;
	*ret_found = (struct session_found){
		.session = session_read(&rows, 0),
		.user = user_read(&rows, 0, FOUND_USER),
		.is_expired = db_get_bool(&rows, 0, FOUND_EXPIRED),
		.is_fresh = db_get_bool(&rows, 0, FOUND_FRESH),
		.refresh_due = db_get_bool(&rows, 0, FOUND_REFRESH_DUE),
	};
	return ERR_OK;
}

static const struct db_stmt extend = {
	.name = "session_extend",
	.sql = "UPDATE session s SET \"updatedAt\" = " NOW ","
	       " \"expiresAt\" = " NOW " + $2::bigint * interval '1 s'"
	       " WHERE s.token = $1 AND s.\"expiresAt\" > now()"
	       " RETURNING " SESSION_COLUMNS,
	.nargs = 2,
};

enum err
session_extend(struct db *db, struct arena *a, const char *token,
    struct session *ret_session)
{
	const char *ttl = arena_printf(a, "%d", SESSION_TTL_S);
	struct db_rows rows;
	enum err e = db_run(db, a, &extend, DB_ARGS(token, ttl), &rows);

	if (e != ERR_OK)
		return e;
	if (rows.count == 0)
		return ERR_NOT_FOUND;
	*ret_session = session_read(&rows, 0);
	return ERR_OK;
}

static const struct db_stmt select_of_user = {
	.name = "session_select_of_user",
	.sql = "SELECT " SESSION_COLUMNS " FROM (SELECT * FROM session"
	       " WHERE \"userId\" = $1 AND \"expiresAt\" > now()"
	       " AND \"impersonatedBy\" IS NULL"
	       " ORDER BY token = $2 DESC, \"createdAt\" DESC, id DESC"
	       " LIMIT $3::bigint) s"
	       " ORDER BY s.\"createdAt\" DESC, s.id DESC",
	.nargs = 3,
	.read_only = true,
};

enum err
session_select_of_user(struct db *db, struct arena *a,
    const struct session *own, const struct session **ret_sessions,
    size_t *ret_count)
{
	const char *limit = arena_printf(a, "%d", SESSION_LIST_MAX);
	struct session *sessions;
	struct db_rows rows;
	enum err e = db_run(db, a, &select_of_user,
	    DB_ARGS(own->user_id, own->token, limit), &rows);

	if (e != ERR_OK)
		return e;
	sessions = arena_alloc(a, (size_t)rows.count * sizeof(*sessions));
	for (int i = 0; i < rows.count; i++)
		sessions[i] = session_read(&rows, i);
	*ret_sessions = sessions;
	*ret_count = (size_t)rows.count;
	return ERR_OK;
}

/*
 * FOR SHARE: a change of the password or a ban that is under way is waited
 * for, and then the conditions are asked of the new row.
 */
static const struct db_stmt insert = {
	.name = "session_insert",
	.sql = "INSERT INTO session (id, token, \"userId\", \"ipAddress\","
	       " \"userAgent\", \"createdAt\", \"updatedAt\", \"expiresAt\")"
	       " SELECT uuidv7()::text, $1, u.id, $3, $4, " NOW ", " NOW ","
	       " " NOW " + $5::bigint * interval '1 s'"
	       " FROM \"user\" u JOIN account a ON a.\"userId\" = u.id"
	       " WHERE u.id = $2 AND a.id = $6 AND a.password = $7"
	       " AND NOT (coalesce(u.banned, false) AND"
	       " (u.\"banExpires\" IS NULL OR u.\"banExpires\" > now()))"
	       " FOR SHARE",
	.nargs = 7,
};

enum err
session_insert(struct db *db, struct arena *a, const struct session_new *s)
{
	const char *ttl = arena_i64(a, s->ttl_s);
	struct db_rows rows;
	enum err e = db_run(db, a, &insert,
	    DB_ARGS(s->token, s->user_id, s->ip_address, s->user_agent, ttl,
		s->account_id, s->password_hash),
	    &rows);

	return e != ERR_OK || rows.affected == 1 ? e : ERR_NOT_FOUND;
}

/* Rows of one text. */
static enum err
run_for_tokens(struct db *db, struct arena *a, const struct db_stmt *stmt,
    struct db_args args, struct strings *ret_tokens)
{
	const char **items;
	struct db_rows rows;
	enum err e = db_run(db, a, stmt, args, &rows);

	if (e != ERR_OK)
		return e;
	items = arena_alloc(a, (size_t)rows.count * sizeof(*items));
	for (int i = 0; i < rows.count; i++)
		items[i] = db_get_text(&rows, i, 0);
	*ret_tokens = (struct strings){ items, (size_t)rows.count };
	return ERR_OK;
}

static const struct db_stmt delete_one = {
	.name = "session_delete",
	.sql = "DELETE FROM session WHERE token = $1 RETURNING token",
	.nargs = 1,
};

enum err
session_delete(struct db *tx, struct arena *a, const char *token,
    struct strings *ret_tokens)
{
	return run_for_tokens(tx, a, &delete_one, DB_ARGS(token), ret_tokens);
}

static const struct db_stmt delete_own = {
	.name = "session_delete_own",
	.sql = "DELETE FROM session WHERE token = $1 AND \"userId\" = $2"
	       " RETURNING token",
	.nargs = 2,
};

enum err
session_delete_own(struct db *tx, struct arena *a, const char *token,
    const char *user_id, struct strings *ret_tokens)
{
	return run_for_tokens(
	    tx, a, &delete_own, DB_ARGS(token, user_id), ret_tokens);
}

static const struct db_stmt delete_of_user = {
	.name = "session_delete_of_user",
	.sql = "DELETE FROM session"
	       " WHERE \"userId\" = $1 AND token IS DISTINCT FROM $2"
	       " RETURNING token",
	.nargs = 2,
};

enum err
session_delete_of_user(struct db *tx, struct arena *a, const char *user_id,
    const char *kept_token, struct strings *ret_tokens)
{
	return run_for_tokens(
	    tx, a, &delete_of_user, DB_ARGS(user_id, kept_token), ret_tokens);
}

static const struct db_stmt delete_expired = {
	.name = "session_delete_expired",
	.sql = "DELETE FROM session"
	       " WHERE token = $1 AND \"expiresAt\" <= now()",
	.nargs = 1,
};

enum err
session_delete_expired(struct db *db, struct arena *a, const char *token)
{
	return db_run(db, a, &delete_expired, DB_ARGS(token), NULL);
}

static const struct db_stmt select_tokens = {
	.name = "session_select_tokens",
	.sql = "SELECT token FROM session"
	       " WHERE \"userId\" = $1 AND \"expiresAt\" > now()",
	.nargs = 1,
};

enum err
session_tokens_of_user(struct db *tx, struct arena *a, const char *user_id,
    struct strings *ret_tokens)
{
	return run_for_tokens(
	    tx, a, &select_tokens, DB_ARGS(user_id), ret_tokens);
}

/* clang-format off */
/*
 * A time may be 'infinity', a number may not: within the years 1 and 9999.
 * NULL, "without end", is the last of them, for so least() takes it.
 */
#define EPOCH_MS(column)                                                       \
	"(extract(epoch FROM greatest(least(" column ", '9999-12-31'),"        \
	" '0001-01-01')) * 1000)::bigint"

/* The columns of `session AS s` and "user" AS u that read_claims() reads. */
#define CLAIMS_COLUMNS                                                         \
	"s.id, u.id, coalesce(u.role, ''),"                                    \
	" (SELECT coalesce(string_agg(x.service, ','), '')"                    \
	" FROM service_account x WHERE x.user_id = u.id),"                     \
	" " EPOCH_MS("s.\"expiresAt\"") ","                                    \
	" coalesce(u.banned, false),"                                          \
	" " EPOCH_MS("u.\"banExpires\"")

/* One snapshot for the session and the epoch: both old or both new. */
static const struct db_stmt select_claims = {
	.name = "session_select_claims",
	.sql = "SELECT e.epoch, " CLAIMS_COLUMNS
	       " FROM kedge_session_epoch e"
	       " LEFT JOIN (session s JOIN \"user\" u ON u.id = s.\"userId\")"
	       " ON s.token = $1 AND s.\"expiresAt\" > now()",
	.nargs = 1,
	.read_only = true,
};
/* clang-format on */
enum {
	CLAIMS_EPOCH,
	CLAIMS_SESSION_ID,
	CLAIMS_USER_ID,
	CLAIMS_ROLES,
	CLAIMS_ACCOUNTS,
	CLAIMS_EXPIRES_AT_MS,
	CLAIMS_BANNED,
	CLAIMS_BAN_EXPIRES_MS
};

static struct session_claims
read_claims(const struct db_rows *rows)
{
	return (struct session_claims){
		.session_id = db_get_text(rows, 0, CLAIMS_SESSION_ID),
		.user_id = db_get_text(rows, 0, CLAIMS_USER_ID),
		.roles = db_get_text(rows, 0, CLAIMS_ROLES),
		.accounts = db_get_text(rows, 0, CLAIMS_ACCOUNTS),
		.expires_at_ms = db_get_i64(rows, 0, CLAIMS_EXPIRES_AT_MS),
		.banned = db_get_bool(rows, 0, CLAIMS_BANNED),
		.ban_expires_ms = db_get_i64(rows, 0, CLAIMS_BAN_EXPIRES_MS),
	};
}

enum err
session_select_claims(struct db *db, struct arena *a, const char *token,
    struct session_claims *ret_claims, int64_t *ret_epoch)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &select_claims, DB_ARGS(token), &rows);

	if (e != ERR_OK)
		return e;
	if (rows.count != 1)
		return ERR_INTERNAL; /* the epoch's row is missing */
	*ret_epoch = db_get_i64(&rows, 0, CLAIMS_EPOCH);
	if (db_is_null(&rows, 0, CLAIMS_SESSION_ID))
		return ERR_NOT_FOUND;
	*ret_claims = read_claims(&rows);
	return ERR_OK;
}

/* clang-format off */
static const struct db_stmt select_live = {
	.name = "session_select_live",
	.sql = "SELECT e.epoch, " CLAIMS_COLUMNS
	       " FROM kedge_session_epoch e,"
	       " session s JOIN \"user\" u ON u.id = s.\"userId\""
	       " WHERE s.id = $1 AND u.id = $2 AND s.\"expiresAt\" > now()",
	.nargs = 2,
	.read_only = true,
};
/* clang-format on */

enum err
session_select_live(struct db *db, struct arena *a, const char *id,
    const char *user_id, struct session_claims *ret_claims)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &select_live, DB_ARGS(id, user_id), &rows);

	if (e != ERR_OK)
		return e;
	if (rows.count == 0)
		return ERR_NOT_FOUND;
	*ret_claims = read_claims(&rows);
	return ERR_OK;
}

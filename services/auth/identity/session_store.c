#include "auth/identity/session_store.h"

#include <assert.h>

#include "auth/auth.h"
#include "auth/identity/columns.h"
#include "auth/identity/session_claims.h"
#include "auth/identity/user_store.h"
#include "auth/plugin_set.h"
#include "base/arena.h"
#include "db/db.h"
#include "db/db_time.h"

/* The columns of `session AS s` that session_read() reads, in its order. */
/* clang-format off */
#define CORE_COLUMNS                                                           \
	"s.id, s.token, s.\"userId\","                                         \
	" " DB_TIME("s.\"expiresAt\"") ","                                     \
	" " DB_TIME("s.\"createdAt\"") ","                                     \
	" " DB_TIME("s.\"updatedAt\"") ","                                     \
	" s.\"ipAddress\", s.\"userAgent\""
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
	NCORE_COLUMNS
};
/* The columns before the session's columns in session_select(). */
enum { FOUND_EXPIRED, FOUND_FRESH, FOUND_REFRESH_DUE, FOUND_SESSION };

static struct composed {
	struct columns columns;
	struct db_stmt select, extend, update, select_of_user;
	struct db_stmt select_claims, select_live;
	struct db_stmt inserts[PROOF__MAX];
} composed;

static const char select_sql[] =
    "SELECT s.\"expiresAt\" <= now(),"
    " s.\"createdAt\" > now() - $2::bigint * interval '1 s',"
    " s.\"expiresAt\" <= now() + $3::bigint * interval '1 s',"
    " %s, %s"
    " FROM session s JOIN \"user\" u ON u.id = s.\"userId\""
    " WHERE s.token = $1";

static const char extend_sql[] =
    "UPDATE session s SET \"updatedAt\" = " NOW ","
    " \"expiresAt\" = " NOW " + $2::bigint * interval '1 s'"
    " WHERE s.token = $1 AND s.\"expiresAt\" > now()"
    " RETURNING %s";

static const char update_sql[] =
    "UPDATE session s SET \"updatedAt\" = " NOW "%s"
    " WHERE s.token = $1 AND s.\"expiresAt\" > now()"
    " RETURNING %s";

static const char select_of_user_sql[] =
    "SELECT %s FROM (SELECT * FROM session"
    " WHERE \"userId\" = $1 AND \"expiresAt\" > now()"
    " AND \"impersonatedBy\" IS NULL"
    " ORDER BY token = $2 DESC, \"createdAt\" DESC, id DESC"
    " LIMIT $3::bigint) s"
    " ORDER BY s.\"createdAt\" DESC, s.id DESC";

/*
 * One snapshot for the session and the epoch, so that both are old or both are
 * new.
 */
static const char select_claims_sql[] =
    "SELECT e.epoch, %s FROM kedge_session_epoch e"
    " LEFT JOIN (session s JOIN \"user\" u ON u.id = s.\"userId\")"
    " ON s.token = $1 AND s.\"expiresAt\" > now()";
static const char select_live_sql[] =
    "SELECT e.epoch, %s FROM kedge_session_epoch e,"
    " session s JOIN \"user\" u ON u.id = s.\"userId\""
    " WHERE s.id = $1 AND u.id = $2 AND s.\"expiresAt\" > now()";

static struct db_stmt
statement(const char *name, const char *sql, int nargs, bool read_only)
{
	return (struct db_stmt){
		.name = name,
		.sql = sql,
		.nargs = nargs,
		.read_only = read_only,
	};
}

static void
compose_reads(const struct plugin_set *set)
{
	const char *columns, *claims = session_claims_select();
	struct composed *c = &composed;

	c->columns = set->session_columns;
	columns =
	    columns_text(CORE_COLUMNS "%s", columns_select(&c->columns, "s"));
	c->select = statement("session_select",
	    columns_text(select_sql, columns, user_columns()), 3,
	    /* read_only= */ true);
	c->extend = statement("session_extend",
	    columns_text(extend_sql, columns), 2, /* read_only= */ false);
	c->update = statement("session_update",
	    columns_text(update_sql, columns_assign(&c->columns, 2), columns),
	    1 + 2 * (int)c->columns.count, /* read_only= */ false);
	c->select_of_user = statement("session_select_of_user",
	    columns_text(select_of_user_sql, columns), 3,
	    /* read_only= */ true);
	c->select_claims = statement("session_select_claims",
	    columns_text(select_claims_sql, claims), 1, /* read_only= */ true);
	c->select_live = statement("session_select_live",
	    columns_text(select_live_sql, claims), 2, /* read_only= */ true);
}

const struct columns *
session_plugin_columns(void)
{
	return &composed.columns;
}

static struct session
session_read(
    struct arena *a, const struct db_rows *rows, int row, int first_column)
{
	int c = first_column;

	return (struct session){
		.id = db_get_text(rows, row, c + ID),
		.token = db_get_text(rows, row, c + TOKEN),
		.user_id = db_get_text(rows, row, c + USER_ID),
		.expires_at = db_get_text(rows, row, c + EXPIRES_AT),
		.created_at = db_get_text(rows, row, c + CREATED_AT),
		.updated_at = db_get_text(rows, row, c + UPDATED_AT),
		.ip_address = db_find_text(rows, row, c + IP_ADDRESS),
		.user_agent = db_find_text(rows, row, c + USER_AGENT),
		.columns = columns_read(
		    &composed.columns, rows, row, c + NCORE_COLUMNS, a),
	};
}

enum err
session_select(struct db *db, struct arena *a, const char *token,
    struct session_found *ret_found)
{
	const char *fresh = arena_printf(a, "%d", SESSION_FRESH_AGE_S);
	const char *due =
	    arena_printf(a, "%d", SESSION_TTL_S - SESSION_UPDATE_AGE_S);
	struct db_rows rows;
	enum err e;

	e = db_run_one(
	    db, a, &composed.select, DB_ARGS(token, fresh, due), &rows);
	if (e != ERR_OK)
		return e;
	*ret_found = (struct session_found){
		.session = session_read(a, &rows, 0, FOUND_SESSION),
		.user = user_read(a, &rows, 0,
		    FOUND_SESSION + NCORE_COLUMNS +
			(int)composed.columns.count),
		.is_expired = db_get_bool(&rows, 0, FOUND_EXPIRED),
		.is_fresh = db_get_bool(&rows, 0, FOUND_FRESH),
		.refresh_due = db_get_bool(&rows, 0, FOUND_REFRESH_DUE),
	};
	return ERR_OK;
}

enum err
session_extend(struct db *db, struct arena *a, const char *token,
    struct session *ret_session)
{
	const char *ttl = arena_printf(a, "%d", SESSION_TTL_S);
	struct db_rows rows;
	enum err e =
	    db_run_one(db, a, &composed.extend, DB_ARGS(token, ttl), &rows);

	if (e != ERR_OK)
		return e;
	*ret_session = session_read(a, &rows, 0, 0);
	return ERR_OK;
}

enum err
session_update(struct db *db, struct arena *a, const char *token,
    const struct column_values *values, struct session *ret_session)
{
	const char *args[1 + 2 * COLUMNS_MAX] = { token };
	int n = columns_assigned(&composed.columns, values, args, 1);
	struct db_rows rows;
	enum err e = db_run_one(db, a, &composed.update,
	    (struct db_args){ .values = args, .count = n }, &rows);

	if (e != ERR_OK)
		return e;
	*ret_session = session_read(a, &rows, 0, 0);
	return ERR_OK;
}

enum err
session_select_of_user(struct db *db, struct arena *a,
    const struct session *own, const struct session **ret_sessions,
    size_t *ret_count)
{
	const char *limit = arena_printf(a, "%d", SESSION_LIST_MAX);
	struct session *sessions;
	struct db_rows rows;
	enum err e = db_run(db, a, &composed.select_of_user,
	    DB_ARGS(own->user_id, own->token, limit), &rows);

	if (e != ERR_OK)
		return e;
	sessions = arena_alloc(a, (size_t)rows.count * sizeof(*sessions));
	for (int i = 0; i < rows.count; i++)
		sessions[i] = session_read(a, &rows, i, 0);
	*ret_sessions = sessions;
	*ret_count = (size_t)rows.count;
	return ERR_OK;
}

/* clang-format off */
static const struct db_stmt select_listed = {
	.name = "session_select_listed",
	.sql = "SELECT s.id, " DB_TIME("s.\"createdAt\"") ","
	       " " DB_TIME("s.\"expiresAt\"") ","
	       " s.\"ipAddress\", s.\"userAgent\" FROM session s"
	       " WHERE s.\"userId\" = $1 AND s.\"expiresAt\" > now()"
	       " ORDER BY s.\"createdAt\" DESC, s.id DESC LIMIT $2::integer",
	.nargs = 2,
	.read_only = true,
};
/* clang-format on */

enum err
session_select_listed(struct db *db, struct arena *a, const char *user_id,
    const struct session_listed **ret_sessions, int *ret_count)
{
	struct session_listed *sessions;
	struct db_rows rows;
	enum err e = db_run(db, a, &select_listed,
	    DB_ARGS(user_id, arena_i64(a, SESSION_LIST_MAX)), &rows);

	if (e != ERR_OK)
		return e;
	sessions = arena_alloc(a, (size_t)rows.count * sizeof(*sessions));
	for (int i = 0; i < rows.count; i++)
		sessions[i] = (struct session_listed){
			.id = db_get_text(&rows, i, 0),
			.created_at = db_get_text(&rows, i, 1),
			.expires_at = db_get_text(&rows, i, 2),
			.ip_address = db_find_text(&rows, i, 3),
			.user_agent = db_find_text(&rows, i, 4),
		};
	*ret_sessions = sessions;
	*ret_count = rows.count;
	return ERR_OK;
}

/*
 * The only INSERT into session.  FOR SHARE waits for a concurrent change of
 * what was proven, a ban, or the enabling of a second factor; the conditions
 * are then checked with the new row.  The last two arguments belong to the
 * proof.
 */
/* clang-format off */
#define INSERT_FROM(what, condition)                                           \
	"INSERT INTO session (id, token, \"userId\", \"ipAddress\","           \
	" \"userAgent\", \"createdAt\", \"updatedAt\", \"expiresAt\"%s)"       \
	" SELECT uuidv7()::text, $1, u.id, $3, $4, " NOW ", " NOW ","          \
	" " NOW " + $5::bigint * interval '1 s'%s"                             \
	" FROM " what " WHERE u.id = $2 AND " condition                        \
	" AND NOT (coalesce(u.banned, false) AND"                              \
	" (u.\"banExpires\" IS NULL OR u.\"banExpires\" > now()))"             \
	" AND ($6::boolean OR NOT coalesce(u.\"twoFactorEnabled\", false))"     \
	" FOR SHARE"
#define USER_AND_ACCOUNT "\"user\" u JOIN account a ON a.\"userId\" = u.id"
/* clang-format on */

/* The columns of the application, and their defaults, come in at %s. */
static void
compose_inserts(const struct columns *columns)
{
	const char *names = columns_defaulted(columns);
	const char *values = columns_defaults(columns);
	struct db_stmt *to = composed.inserts;

	to[PROOF_PASSWORD] = statement("session_insert_by_password",
	    columns_text(
		INSERT_FROM(USER_AND_ACCOUNT, "a.id = $7 AND a.password = $8"),
		names, values),
	    8, /* read_only= */ false);
	to[PROOF_ACCOUNT] = statement("session_insert_by_account",
	    columns_text(
		INSERT_FROM(USER_AND_ACCOUNT, "a.id = $7"), names, values),
	    7, /* read_only= */ false);
	to[PROOF_EMAIL] = statement("session_insert_by_email",
	    columns_text(
		INSERT_FROM("\"user\" u", "u.email = $7"), names, values),
	    7, /* read_only= */ false);
}

void
session_store_compose(const struct plugin_set *set)
{
	compose_reads(set);
	compose_inserts(&set->session_columns);
}

enum err
session_insert(struct db *db, struct arena *a, const char *token,
    const struct session_start *start, const struct proof *proof)
{
	const struct db_stmt *stmt = &composed.inserts[proof->kind];
	const char *args[] = { token, start->user_id, start->ip_address,
		start->user_agent, arena_i64(a, start->ttl_s),
		start->past_second_factor ? "t" : "f",
		proof->kind == PROOF_EMAIL ? proof->email : proof->account_id,
		proof->password_hash };
	struct db_rows rows;
	enum err e;

	assert(proof->kind < PROOF__MAX);
	e = db_run(db, a, stmt,
	    (struct db_args){ .values = args, .count = stmt->nargs }, &rows);
	return e != ERR_OK || rows.affected == 1 ? e : ERR_NOT_FOUND;
}

/* Returns a column of texts. */
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

static const struct db_stmt replace = {
	.name = "session_replace",
	.sql = "UPDATE session SET id = uuidv7()::text, token = $2,"
	       " \"createdAt\" = " NOW ", \"updatedAt\" = " NOW ","
	       " \"expiresAt\" = " NOW " + $3::bigint * interval '1 s'"
	       " WHERE token = $1 AND \"expiresAt\" > now() RETURNING $1",
	.nargs = 3,
};

enum err
session_replace(struct db *tx, struct arena *a, const char *token,
    const char *new_token, int64_t ttl_s, struct strings *ret_tokens)
{
	enum err e = run_for_tokens(tx, a, &replace,
	    DB_ARGS(token, new_token, arena_i64(a, ttl_s)), ret_tokens);

	return e != ERR_OK || ret_tokens->count == 1 ? e : ERR_NOT_FOUND;
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

enum { CLAIMS_EPOCH, CLAIMS };

enum err
session_select_claims(struct db *db, struct arena *a, const char *token,
    struct session_claims *ret_claims, int64_t *ret_epoch)
{
	struct db_rows rows;
	enum err e =
	    db_run(db, a, &composed.select_claims, DB_ARGS(token), &rows);

	if (e != ERR_OK)
		return e;
	if (rows.count != 1)
		return ERR_INTERNAL; /* the row of the epoch is missing */
	*ret_epoch = db_get_i64(&rows, 0, CLAIMS_EPOCH);
	return session_claims_of_row(&rows, CLAIMS, ret_claims);
}

enum err
session_select_live(struct db *db, struct arena *a, const char *id,
    const char *user_id, struct session_claims *ret_claims)
{
	struct db_rows rows;
	enum err e = db_run_one(
	    db, a, &composed.select_live, DB_ARGS(id, user_id), &rows);

	if (e != ERR_OK)
		return e;
	return session_claims_of_row(&rows, CLAIMS, ret_claims);
}

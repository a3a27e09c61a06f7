#include "auth/identity/user_store.h"

#include "auth/identity/columns.h"
#include "auth/plugin_set.h"
#include "base/arena.h"
#include "db/db.h"
#include "db/db_time.h"

/* clang-format off */
#define CORE_COLUMNS                                                           \
	"u.id, u.name, u.email, u.\"emailVerified\", u.image,"                 \
	" " DB_TIME("u.\"createdAt\"") ","                                     \
	" " DB_TIME("u.\"updatedAt\"") ","                                     \
	" (SELECT coalesce(string_agg(s.service, ',' ORDER BY s.service), '')" \
	" FROM service_account s WHERE s.user_id = u.id),"                     \
	" coalesce(u.banned, false),"                                          \
	" u.\"banExpires\" <= now(),"                                           \
	" coalesce(u.\"twoFactorEnabled\", false)"
/* clang-format on */
enum {
	ID,
	NAME,
	EMAIL,
	EMAIL_VERIFIED,
	IMAGE,
	CREATED_AT,
	UPDATED_AT,
	ACCOUNTS,
	BANNED,
	BAN_IS_OVER,
	HAS_SECOND_FACTOR,
	NCORE_COLUMNS
};

static struct composed {
	struct columns columns;
	const char *select;
	struct db_stmt update;
} composed;

const char *
user_columns(void)
{
	return composed.select;
}

const struct columns *
user_plugin_columns(void)
{
	return &composed.columns;
}

struct user
user_read(
    struct arena *a, const struct db_rows *rows, int row, int first_column)
{
	int c = first_column;
	bool banned = db_get_bool(rows, row, c + BANNED);
	bool over = !db_is_null(rows, row, c + BAN_IS_OVER) &&
	            db_get_bool(rows, row, c + BAN_IS_OVER);

	return (struct user){
		.id = db_get_text(rows, row, c + ID),
		.name = db_get_text(rows, row, c + NAME),
		.email = db_get_text(rows, row, c + EMAIL),
		.email_verified = db_get_bool(rows, row, c + EMAIL_VERIFIED),
		.image = db_find_text(rows, row, c + IMAGE),
		.created_at = db_get_text(rows, row, c + CREATED_AT),
		.updated_at = db_get_text(rows, row, c + UPDATED_AT),
		.accounts = db_get_text(rows, row, c + ACCOUNTS),
		.is_banned = banned && !over,
		.ban_is_over = banned && over,
		.has_second_factor =
		    db_get_bool(rows, row, c + HAS_SECOND_FACTOR),
		.columns = columns_read(
		    &composed.columns, rows, row, c + NCORE_COLUMNS, a),
	};
}

static const struct db_stmt lock_user = {
	.name = "user_lock",
	.sql = "SELECT 1 FROM \"user\" WHERE id = $1 FOR UPDATE",
	.nargs = 1,
};

enum err
user_lock(struct db *tx, struct arena *a, const char *user_id)
{
	struct db_rows rows;
	enum err e = db_run(tx, a, &lock_user, DB_ARGS(user_id), &rows);

	return e != ERR_OK || rows.count == 1 ? e : ERR_NOT_FOUND;
}

/*
 * $1 is the id; the plugins' columns follow those of auth, with two arguments
 * each.
 */
enum { UPDATE_CORE_ARGS = 4 };

static struct db_stmt
compose_update(const struct columns *columns)
{
	return (struct db_stmt){
		.name = "user_update",
		.sql = columns_text("UPDATE \"user\" SET"
				    " name = coalesce($2, name),"
				    " image = CASE WHEN $3::boolean THEN $4"
				    " ELSE image END,"
				    " \"updatedAt\" ="
				    " date_trunc('milliseconds', now())%s"
				    " WHERE id = $1",
		    columns_assign(columns, UPDATE_CORE_ARGS + 1)),
		.nargs = UPDATE_CORE_ARGS + 2 * (int)columns->count,
	};
}

void
user_store_compose(const struct plugin_set *set)
{
	composed.columns = set->user_columns;
	composed.select = columns_text(
	    CORE_COLUMNS "%s", columns_select(&composed.columns, "u"));
	composed.update = compose_update(&composed.columns);
}

enum err
user_store_update(struct db *db, struct arena *a, const char *user_id,
    const struct user_change *change)
{
	const char *args[UPDATE_CORE_ARGS + 2 * COLUMNS_MAX] = { user_id,
		change->name.set ? change->name.value : NULL,
		change->image.set ? "t" : "f", change->image.value };
	int n = UPDATE_CORE_ARGS;
	struct db_rows rows;
	enum err e;

	n = columns_assigned(&composed.columns, &change->columns, args, n);
	e = db_run(db, a, &composed.update,
	    (struct db_args){ .values = args, .count = n }, &rows);
	return e != ERR_OK || rows.affected == 1 ? e : ERR_NOT_FOUND;
}

static const struct db_stmt update_role = {
	.name = "user_update_role",
	.sql = "UPDATE \"user\" SET role = $2,"
	       " \"updatedAt\" = date_trunc('milliseconds', now())"
	       " WHERE id = $1",
	.nargs = 2,
};

enum err
user_store_role(
    struct db *tx, struct arena *a, const char *user_id, const char *role)
{
	return db_run(tx, a, &update_role, DB_ARGS(user_id, role), NULL);
}

static const struct db_stmt insert_account = {
	.name = "user_insert_service_account",
	.sql = "INSERT INTO service_account (user_id, service) VALUES ($1, $2)"
	       " ON CONFLICT DO NOTHING",
	.nargs = 2,
};

enum err
user_store_account(
    struct db *tx, struct arena *a, const char *user_id, const char *service)
{
	return db_run(tx, a, &insert_account, DB_ARGS(user_id, service), NULL);
}

static const struct db_stmt select_id = {
	.name = "user_select_id",
	.sql = "SELECT id FROM \"user\" WHERE email = $1",
	.nargs = 1,
	.read_only = true,
};

enum err
user_find_id(
    struct db *db, struct arena *a, const char *email, const char **ret_user_id)
{
	struct db_rows rows;
	enum err e = db_run_one(db, a, &select_id, DB_ARGS(email), &rows);

	if (e != ERR_OK)
		return e;
	*ret_user_id = db_get_text(&rows, 0, 0);
	return ERR_OK;
}

static const struct db_stmt lift_ban = {
	.name = "user_lift_ban",
	.sql = "UPDATE \"user\" SET banned = false, \"banReason\" = NULL,"
	       " \"banExpires\" = NULL,"
	       " \"updatedAt\" = date_trunc('milliseconds', now())"
	       " WHERE id = $1 AND banned AND \"banExpires\" <= now()",
	.nargs = 1,
};

enum err
user_lift_ban(struct db *db, struct arena *a, const char *user_id)
{
	return db_run(db, a, &lift_ban, DB_ARGS(user_id), NULL);
}

static const struct db_stmt update_ban = {
	.name = "user_update_ban",
	.sql = "UPDATE \"user\" SET banned = $2::boolean, \"banReason\" = $3,"
	       " \"banExpires\" = $4::timestamptz,"
	       " \"updatedAt\" = date_trunc('milliseconds', now())"
	       " WHERE id = $1",
	.nargs = 4,
};

enum err
user_store_ban(struct db *tx, struct arena *a, const char *user_id,
    const struct user_ban *ban)
{
	return db_run(tx, a, &update_ban,
	    DB_ARGS(user_id, ban != NULL ? "t" : "f",
		ban != NULL ? ban->reason : NULL,
		ban != NULL ? ban->expires_at : NULL),
	    NULL);
}

/* clang-format off */
#define IS_BANNED                             \
	"coalesce(u.banned, false) AND"       \
	" (u.\"banExpires\" IS NULL OR u.\"banExpires\" > now())"

static const struct db_stmt select_facts = {
	.name = "user_select_facts",
	.sql = "SELECT u.id, u.email, u.name, u.role,"
	       " " DB_TIME("u.\"createdAt\"") ", u.\"emailVerified\","
	       " " IS_BANNED ", u.\"banReason\","
	       " " DB_TIME("u.\"banExpires\"") ","
	       " (SELECT coalesce(string_agg(x.service, ',' ORDER BY x.service),"
	       " '') FROM service_account x WHERE x.user_id = u.id),"
	       " (SELECT count(*) FROM session s WHERE s.\"userId\" = u.id"
	       " AND s.\"expiresAt\" > now()),"
	       " coalesce(u.\"twoFactorEnabled\", false)"
	       " FROM \"user\" u WHERE u.email = $1",
	.nargs = 1,
	.read_only = true,
};
/* clang-format on */

enum err
user_store_facts(struct db *db, struct arena *a, const char *email,
    struct user_facts *ret_facts)
{
	struct db_rows rows;
	enum err e = db_run_one(db, a, &select_facts, DB_ARGS(email), &rows);

	if (e != ERR_OK)
		return e;
	*ret_facts = (struct user_facts){
		.id = db_get_text(&rows, 0, 0),
		.email = db_get_text(&rows, 0, 1),
		.name = db_get_text(&rows, 0, 2),
		.role = db_find_text(&rows, 0, 3),
		.created_at = db_get_text(&rows, 0, 4),
		.email_verified = db_get_bool(&rows, 0, 5),
		.is_banned = db_get_bool(&rows, 0, 6),
		.ban_reason = db_find_text(&rows, 0, 7),
		.ban_expires_at = db_find_text(&rows, 0, 8),
		.accounts = db_get_text(&rows, 0, 9),
		.sessions = db_get_i64(&rows, 0, 10),
		.has_second_factor = db_get_bool(&rows, 0, 11),
	};
	return ERR_OK;
}

/* clang-format off */
static const struct db_stmt select_page = {
	.name = "user_select_page",
	.sql = "SELECT u.id, u.email, u.name, u.role,"
	       " " DB_TIME("u.\"createdAt\"") ", " IS_BANNED
	       " FROM \"user\" u WHERE u.email > $1"
	       " ORDER BY u.email LIMIT $2::integer",
	.nargs = 2,
	.read_only = true,
};
/* clang-format on */

enum err
user_store_list(struct db *db, struct arena *a, const char *after, int limit,
    const struct user_listed **ret_users, int *ret_count)
{
	struct user_listed *users;
	struct db_rows rows;
	enum err e = db_run(
	    db, a, &select_page, DB_ARGS(after, arena_i64(a, limit)), &rows);

	if (e != ERR_OK)
		return e;
	users = arena_alloc(a, (size_t)rows.count * sizeof(*users));
	for (int i = 0; i < rows.count; i++)
		users[i] = (struct user_listed){
			.id = db_get_text(&rows, i, 0),
			.email = db_get_text(&rows, i, 1),
			.name = db_get_text(&rows, i, 2),
			.role = db_find_text(&rows, i, 3),
			.created_at = db_get_text(&rows, i, 4),
			.is_banned = db_get_bool(&rows, i, 5),
		};
	*ret_users = users;
	*ret_count = rows.count;
	return ERR_OK;
}

static const struct db_stmt delete_user = {
	.name = "user_delete",
	.sql = "DELETE FROM \"user\" WHERE id = $1",
	.nargs = 1,
};

enum err
user_store_delete(struct db *tx, struct arena *a, const char *user_id)
{
	struct db_rows rows;
	enum err e = db_run(tx, a, &delete_user, DB_ARGS(user_id), &rows);

	return e != ERR_OK || rows.affected == 1 ? e : ERR_NOT_FOUND;
}

static const struct db_stmt update_email = {
	.name = "user_update_email",
	.sql = "UPDATE \"user\" SET email = coalesce($3, email),"
	       " \"emailVerified\" = $4::boolean,"
	       " \"updatedAt\" = date_trunc('milliseconds', now())"
	       " WHERE id = $1 AND email = $2",
	.nargs = 4,
};

enum err
user_store_email(struct db *tx, struct arena *a, const char *user_id,
    const char *email, const char *new_email, bool verified)
{
	struct db_rows rows;
	enum err e = db_run(tx, a, &update_email,
	    DB_ARGS(user_id, email, new_email, verified ? "t" : "f"), &rows);

	return e != ERR_OK || rows.affected == 1 ? e : ERR_NOT_FOUND;
}

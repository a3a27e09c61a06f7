#include "auth/plugin/two_factor/two_factor_store.h"

#include "base/arena.h"
#include "db/db.h"

/* Milliseconds, as BetterAuth writes times. */
#define NOW "date_trunc('milliseconds', now())"

/* clang-format off */
#define COLUMNS                                                                \
	"id, secret, \"backupCodes\", coalesce(verified, true),"               \
	" coalesce(greatest(0, ceil(extract(epoch FROM"                        \
	" \"lockedUntil\" - now())))::bigint, 0)"
/* clang-format on */
enum { ROW_ID, ROW_SECRET, ROW_CODES, ROW_VERIFIED, ROW_LOCKED_S };

static struct two_factor
read_row(const struct db_rows *rows, int row)
{
	return (struct two_factor){
		.id = db_get_text(rows, row, ROW_ID),
		.secret = db_get_text(rows, row, ROW_SECRET),
		.backup_codes = db_get_text(rows, row, ROW_CODES),
		.is_verified = db_get_bool(rows, row, ROW_VERIFIED),
		.locked_s = db_get_i64(rows, row, ROW_LOCKED_S),
	};
}

/* A database that BetterAuth made may have several rows of a user. */
static const struct db_stmt select_row = {
	.name = "two_factor_select",
	.sql = "SELECT " COLUMNS " FROM \"twoFactor\" WHERE \"userId\" = $1"
	       " ORDER BY verified DESC NULLS FIRST, id LIMIT 1",
	.nargs = 1,
	.read_only = true,
};

enum err
two_factor_select(
    struct db *db, struct arena *a, const char *user_id, struct two_factor *ret)
{
	struct db_rows rows;
	enum err e = db_run_one(db, a, &select_row, DB_ARGS(user_id), &rows);

	if (e == ERR_OK)
		*ret = read_row(&rows, 0);
	return e;
}

static const struct db_stmt select_after = {
	.name = "two_factor_select_after",
	.sql = "SELECT " COLUMNS " FROM \"twoFactor\" WHERE id > $1"
	       " ORDER BY id LIMIT 500",
	.nargs = 1,
	.read_only = true,
};

enum err
two_factor_select_after(struct db *db, struct arena *a, const char *id,
    const struct two_factor **ret_rows, size_t *ret_count)
{
	struct two_factor *found;
	struct db_rows rows;
	enum err e = db_run(db, a, &select_after, DB_ARGS(id), &rows);

	if (e != ERR_OK)
		return e;
	found = arena_alloc(a, (size_t)rows.count * sizeof(*found));
	for (int i = 0; i < rows.count; i++)
		found[i] = read_row(&rows, i);
	*ret_rows = found;
	*ret_count = (size_t)rows.count;
	return ERR_OK;
}

/* The caller has locked the user, so there is no concurrent insert. */
static const struct db_stmt insert_row = {
	.name = "two_factor_insert",
	.sql = "WITH gone AS (DELETE FROM \"twoFactor\""
	       " WHERE \"userId\" = $1 AND verified = false)"
	       " INSERT INTO \"twoFactor\" (id, \"userId\", secret,"
	       " \"backupCodes\", verified, kedge_trusted_since)"
	       " SELECT uuidv7()::text, $1, $2, $3, false, " NOW
	       " WHERE NOT EXISTS (SELECT FROM \"twoFactor\""
	       " WHERE \"userId\" = $1 AND verified IS NOT FALSE)",
	.nargs = 3,
};

enum err
two_factor_insert(struct db *tx, struct arena *a, const char *user_id,
    const char *secret, const char *backup_codes)
{
	struct db_rows rows;
	enum err e = db_run(
	    tx, a, &insert_row, DB_ARGS(user_id, secret, backup_codes), &rows);

	return e != ERR_OK || rows.affected == 1 ? e : ERR_CONFLICT;
}

/* Runs an UPDATE of one row; ERR_NOT_FOUND: it has changed none. */
static enum err
update_one(struct db *db, struct arena *a, const struct db_stmt *stmt,
    struct db_args args)
{
	struct db_rows rows;
	enum err e = db_run(db, a, stmt, args, &rows);

	return e != ERR_OK || rows.affected == 1 ? e : ERR_NOT_FOUND;
}

static const struct db_stmt set_verified = {
	.name = "two_factor_set_verified",
	.sql = "UPDATE \"twoFactor\" SET verified = true WHERE id = $1",
	.nargs = 1,
};

enum err
two_factor_set_verified(struct db *tx, struct arena *a, const char *id)
{
	return update_one(tx, a, &set_verified, DB_ARGS(id));
}

static const struct db_stmt delete_row = {
	.name = "two_factor_delete",
	.sql = "DELETE FROM \"twoFactor\" WHERE \"userId\" = $1",
	.nargs = 1,
};

enum err
two_factor_delete(struct db *tx, struct arena *a, const char *user_id)
{
	return db_run(tx, a, &delete_row, DB_ARGS(user_id), NULL);
}

static const struct db_stmt set_enabled = {
	.name = "two_factor_set_enabled",
	.sql = "UPDATE \"user\" SET \"twoFactorEnabled\" = $2::boolean,"
	       " \"updatedAt\" = " NOW " WHERE id = $1",
	.nargs = 2,
};

enum err
two_factor_set_enabled(
    struct db *tx, struct arena *a, const char *user_id, bool enabled)
{
	return update_one(
	    tx, a, &set_enabled, DB_ARGS(user_id, enabled ? "t" : "f"));
}

/* A lock that has passed begins a new count. */
static const struct db_stmt count_try = {
	.name = "two_factor_count_try",
	.sql = "WITH counted AS (SELECT id, CASE"
	       " WHEN \"lockedUntil\" IS NULL"
	       " THEN coalesce(\"failedVerificationCount\", 0) + 1"
	       " ELSE 1 END AS tries FROM \"twoFactor\""
	       " WHERE id = $1 AND (\"lockedUntil\" IS NULL"
	       " OR \"lockedUntil\" <= now()) FOR UPDATE)"
	       " UPDATE \"twoFactor\" t SET"
	       " \"failedVerificationCount\" = c.tries,"
	       " \"lockedUntil\" = CASE WHEN c.tries >= $2::bigint"
	       " THEN " NOW " + $3::bigint * interval '1 s' END"
	       " FROM counted c WHERE t.id = c.id",
	.nargs = 3,
};

enum err
two_factor_count_try(struct db *db, struct arena *a, const char *id,
    const struct two_factor_lock *lock)
{
	enum err e = update_one(db, a, &count_try,
	    DB_ARGS(
		id, arena_i64(a, lock->tries), arena_i64(a, lock->seconds)));

	return e == ERR_NOT_FOUND ? ERR_RATE_LIMITED : e;
}

static const struct db_stmt clear_tries = {
	.name = "two_factor_clear_tries",
	.sql = "UPDATE \"twoFactor\" SET \"failedVerificationCount\" = 0,"
	       " \"lockedUntil\" = NULL WHERE id = $1",
	.nargs = 1,
};

enum err
two_factor_clear_tries(struct db *db, struct arena *a, const char *id)
{
	return db_run(db, a, &clear_tries, DB_ARGS(id), NULL);
}

static const struct db_stmt use_step = {
	.name = "two_factor_use_step",
	.sql = "UPDATE \"twoFactor\" SET kedge_used_step = $2::bigint"
	       " WHERE id = $1 AND coalesce(kedge_used_step, -1) < $2::bigint",
	.nargs = 2,
};

enum err
two_factor_use_step(
    struct db *db, struct arena *a, const char *id, int64_t step)
{
	return update_one(db, a, &use_step, DB_ARGS(id, arena_i64(a, step)));
}

static const struct db_stmt replace_codes = {
	.name = "two_factor_replace_codes",
	.sql = "UPDATE \"twoFactor\" SET \"backupCodes\" = $3"
	       " WHERE id = $1 AND \"backupCodes\" = $2",
	.nargs = 3,
};

enum err
two_factor_replace_codes(struct db *db, struct arena *a, const char *id,
    const char *from, const char *to)
{
	return update_one(db, a, &replace_codes, DB_ARGS(id, from, to));
}

static const struct db_stmt rekey = {
	.name = "two_factor_rekey",
	.sql = "UPDATE \"twoFactor\" SET secret = $4, \"backupCodes\" = $5"
	       " WHERE id = $1 AND secret = $2 AND \"backupCodes\" = $3",
	.nargs = 5,
};

enum err
two_factor_rekey(struct db *db, struct arena *a, const struct two_factor *from,
    const char *secret, const char *backup_codes)
{
	return update_one(db, a, &rekey,
	    DB_ARGS(from->id, from->secret, from->backup_codes, secret,
		backup_codes));
}

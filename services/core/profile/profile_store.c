#include "core/profile/profile_store.h"

#include "base/arena.h"
#include "db/db.h"
#include "db/db_time.h"

/* clang-format off */
#define PROFILE_COLUMNS                                                        \
	"user_id, display_name, timezone, locale, " DB_TIME("created_at") ", " \
	DB_TIME("updated_at")
/* clang-format on */
enum {
	COL_USER_ID,
	COL_DISPLAY_NAME,
	COL_TIMEZONE,
	COL_LOCALE,
	COL_CREATED_AT,
	COL_UPDATED_AT
};

static void
read_row(const struct db_rows *rows, struct profile *ret_profile)
{
	*ret_profile = (struct profile){
		.user_id = db_get_text(rows, 0, COL_USER_ID),
		.display_name = db_find_text(rows, 0, COL_DISPLAY_NAME),
		.timezone = db_get_text(rows, 0, COL_TIMEZONE),
		.locale = db_get_text(rows, 0, COL_LOCALE),
		.created_at = db_get_text(rows, 0, COL_CREATED_AT),
		.updated_at = db_get_text(rows, 0, COL_UPDATED_AT),
	};
}

static const struct db_stmt select_profile = {
	.name = "profile_select",
	.sql = "SELECT " PROFILE_COLUMNS " FROM profile WHERE user_id = $1",
	.nargs = 1,
	.read_only = true,
};

enum err
profile_find(struct db *db, struct arena *a, const char *user_id,
    struct profile *ret_profile)
{
	struct db_rows rows;
	enum err e;

	e = db_run_one(db, a, &select_profile, DB_ARGS(user_id), &rows);
	if (e != ERR_OK)
		return e;
	read_row(&rows, ret_profile);
	return ERR_OK;
}

static const struct db_stmt insert_profile = {
	.name = "profile_insert",
	.sql = "INSERT INTO profile (user_id) VALUES ($1)"
	       " ON CONFLICT (user_id) DO NOTHING",
	.nargs = 1,
};

enum err
profile_insert(struct db *db, struct arena *a, const char *user_id)
{
	return db_run(db, a, &insert_profile, DB_ARGS(user_id),
	    /* ret_rows= */ NULL);
}

static const struct db_stmt update_profile = {
	.name = "profile_update",
	.sql = "UPDATE profile SET"
	       " display_name = CASE WHEN $2::boolean THEN $3"
	       " ELSE display_name END,"
	       " timezone = coalesce($4, timezone),"
	       " locale = coalesce($5, locale),"
	       " updated_at = now()"
	       " WHERE user_id = $1 RETURNING " PROFILE_COLUMNS,
	.nargs = 5,
};

enum err
profile_update(struct db *db, struct arena *a, const char *user_id,
    const struct profile_patch *patch, struct profile *ret_profile)
{
	struct db_rows rows;
	enum err e;

	e = db_run_one(db, a, &update_profile,
	    DB_ARGS(user_id, patch->display_name.set ? "true" : "false",
		patch->display_name.value, patch->timezone, patch->locale),
	    &rows);
	if (e != ERR_OK)
		return e;
	read_row(&rows, ret_profile);
	return ERR_OK;
}

/*
 * The lock is FOR NO KEY UPDATE, not FOR UPDATE: the foreign key of a new task
 * locks this row FOR KEY SHARE, which must not wait for this lock.
 */
static const struct db_stmt lock_profile = {
	.name = "profile_lock",
	.sql = "SELECT FROM profile WHERE user_id = $1 FOR NO KEY UPDATE",
	.nargs = 1,
};

enum err
profile_lock(struct db *tx, struct arena *a, const char *user_id)
{
	struct db_rows rows;
	enum err e;

	e = db_run(tx, a, &lock_profile, DB_ARGS(user_id), &rows);
	if (e != ERR_OK)
		return e;
	return rows.count == 0 ? ERR_NOT_FOUND : ERR_OK;
}

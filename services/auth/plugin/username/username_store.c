#include "auth/plugin/username/username_store.h"

#include "db/db.h"

static const struct db_stmt select_owner = {
	.name = "username_select_owner",
	.sql = "SELECT id FROM \"user\" WHERE username = $1",
	.nargs = 1,
	.read_only = true,
};

enum err
username_owner(struct db *db, struct arena *a, const char *normal,
    const char **ret_user_id)
{
	struct db_rows rows;
	enum err e = db_run_one(db, a, &select_owner, DB_ARGS(normal), &rows);

	if (e != ERR_OK)
		return e;
	*ret_user_id = db_get_text(&rows, 0, 0);
	return ERR_OK;
}

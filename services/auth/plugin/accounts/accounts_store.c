#include "auth/plugin/accounts/accounts_store.h"

#include "base/arena.h"
#include "db/db.h"
#include "db/db_time.h"

static const struct db_stmt select_all = {
	.name = "accounts_select",
	.sql = "SELECT id, \"accountId\", \"providerId\", \"userId\", " DB_TIME(
	    "\"createdAt\"") ", " DB_TIME("\"updatedAt\"") ", coalesce(scope,"
							   " '') FROM account"
							   " WHERE \"userId\" ="
							   " $1 ORDER BY"
							   " account.\"createdA"
							   "t\", id LIMIT 100",
	.nargs = 1,
	.read_only = true,
};

enum err
accounts_select(struct db *db, struct arena *a, const char *user_id,
    const struct linked_account **ret_accounts, size_t *ret_count)
{
	struct linked_account *accounts;
	struct db_rows rows;
	enum err e = db_run(db, a, &select_all, DB_ARGS(user_id), &rows);

	if (e != ERR_OK)
		return e;
	accounts = arena_alloc(a, (size_t)rows.count * sizeof(*accounts));
	for (int i = 0; i < rows.count; i++)
		accounts[i] = (struct linked_account){
			.id = db_get_text(&rows, i, 0),
			.account_id = db_get_text(&rows, i, 1),
			.provider_id = db_get_text(&rows, i, 2),
			.user_id = db_get_text(&rows, i, 3),
			.created_at = db_get_text(&rows, i, 4),
			.updated_at = db_get_text(&rows, i, 5),
			.scope = db_get_text(&rows, i, 6),
		};
	*ret_accounts = accounts;
	*ret_count = (size_t)rows.count;
	return ERR_OK;
}

/*
 * The statement counts and deletes in one snapshot. The caller has locked the
 * user, so two concurrent requests cannot delete the last two accounts.
 */
static const struct db_stmt delete_one = {
	.name = "accounts_delete",
	.sql = "WITH mine AS (SELECT id, \"accountId\", \"providerId\""
	       " FROM account WHERE \"userId\" = $1"
	       "), found AS (SELECT id FROM mine"
	       " WHERE ($2::text IS NULL OR id = $2 OR \"accountId\" = $2)"
	       " AND ($3::text IS NULL OR \"providerId\" = $3)"
	       " ORDER BY id = $2 DESC LIMIT 1"
	       "), gone AS (DELETE FROM account a USING found"
	       " WHERE a.id = found.id AND (SELECT count(*) FROM mine) > 1"
	       " RETURNING a.id)"
	       " SELECT (SELECT count(*) FROM mine),"
	       " (SELECT count(*) FROM gone)",
	.nargs = 3,
};

enum err
accounts_delete(struct db *tx, struct arena *a, const char *user_id,
    const char *which, const char *provider)
{
	struct db_rows rows;
	enum err e = db_run_one(
	    tx, a, &delete_one, DB_ARGS(user_id, which, provider), &rows);

	if (e != ERR_OK)
		return e;
	if (db_get_i64(&rows, 0, 0) <= 1)
		return ERR_CONFLICT;
	return db_get_i64(&rows, 0, 1) == 1 ? ERR_OK : ERR_NOT_FOUND;
}

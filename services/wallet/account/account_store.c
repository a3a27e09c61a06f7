#include "wallet/account/account_store.h"

#include "base/arena.h"
#include "db/db.h"
#include "db/db_time.h"
#include "wallet/account/account.h"

/* clang-format off */
#define ACCOUNT_COLUMNS                                                        \
	"id, currency, balance, held, balance - held, " DB_TIME("created_at")
/* clang-format on */
enum {
	COL_ID,
	COL_CURRENCY,
	COL_BALANCE,
	COL_HELD,
	COL_AVAILABLE,
	COL_CREATED_AT
};

static struct account
read_row(const struct db_rows *rows, int row)
{
	return (struct account){
		.id = db_get_text(rows, row, COL_ID),
		.currency = db_get_text(rows, row, COL_CURRENCY),
		.balance_minor = db_get_i64(rows, row, COL_BALANCE),
		.held_minor = db_get_i64(rows, row, COL_HELD),
		.available_minor = db_get_i64(rows, row, COL_AVAILABLE),
		.created_at = db_get_text(rows, row, COL_CREATED_AT),
	};
}

static const struct db_stmt select_account = {
	.name = "account_select",
	.sql = "SELECT " ACCOUNT_COLUMNS " FROM account"
	       " WHERE kind = 'user' AND user_id = $1 AND id = $2",
	.nargs = 2,
	.read_only = true,
};

enum err
account_find(struct db *db, struct arena *a, const char *user_id,
    const char *id, struct account *ret_account)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &select_account, DB_ARGS(user_id, id), &rows);
	if (e != ERR_OK)
		return e;
	if (rows.count == 0)
		return ERR_NOT_FOUND;
	*ret_account = read_row(&rows, 0);
	return ERR_OK;
}

static const struct db_stmt select_page = {
	.name = "account_select_page",
	.sql = "SELECT " ACCOUNT_COLUMNS " FROM account"
	       " WHERE kind = 'user' AND user_id = $1 AND id > $2"
	       " ORDER BY id LIMIT $3",
	.nargs = 3,
	.read_only = true,
};

static const char oldest_id[] = "00000000-0000-0000-0000-000000000000";

enum err
account_find_page(struct db *db, struct arena *a, const char *user_id,
    const struct account_page *page, const struct account **ret_accounts,
    int64_t *ret_count)
{
	struct account *accounts;
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &select_page,
	    DB_ARGS(user_id,
		page->after_id != NULL ? page->after_id : oldest_id,
		arena_printf(a, "%lld", (long long)page->limit)),
	    &rows);
	if (e != ERR_OK)
		return e;
	accounts = arena_alloc(a, (size_t)rows.count * sizeof(*accounts));
	for (int i = 0; i < rows.count; i++)
		accounts[i] = read_row(&rows, i);
	*ret_accounts = accounts;
	*ret_count = rows.count;
	return ERR_OK;
}

/*
 * One statement, so both rows or neither.  Of many at once the first inserts
 * the wallet, the others wait for its commit and then find nothing to do.
 */
static const struct db_stmt insert_first = {
	.name = "account_insert_first",
	.sql = "WITH made AS (INSERT INTO wallet (user_id) VALUES ($1)"
	       " ON CONFLICT (user_id) DO NOTHING RETURNING user_id)"
	       " INSERT INTO account (user_id, name, currency)"
	       " SELECT user_id, 'Main', $2 FROM made",
	.nargs = 2,
};

enum err
account_insert_first(
    struct db *db, struct arena *a, const char *user_id, const char *currency)
{
	return db_run(db, a, &insert_first, DB_ARGS(user_id, currency),
	    /* ret_rows= */ NULL);
}

static const struct db_stmt select_currency = {
	.name = "account_select_currency",
	.sql = "SELECT EXISTS (SELECT FROM currency WHERE code = $1)",
	.nargs = 1,
	.read_only = true,
};

enum err
account_has_currency(
    struct db *db, struct arena *a, const char *code, bool *ret_has)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &select_currency, DB_ARGS(code), &rows);
	if (e != ERR_OK)
		return e;
	*ret_has = db_get_bool(&rows, 0, 0);
	return ERR_OK;
}

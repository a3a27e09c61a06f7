#include "wallet/account/account_store.h"

#include "base/arena.h"
#include "db/db.h"
#include "db/db_time.h"

/* clang-format off */
#define ACCOUNT_COLUMNS                                                        \
	"id, name, currency, balance, held, balance - held, frozen, "          \
	DB_TIME("freeze_changed_at") ", freeze_changed_by, freeze_reason, "    \
	DB_TIME("created_at")
/* clang-format on */
enum {
	COL_ID,
	COL_NAME,
	COL_CURRENCY,
	COL_BALANCE,
	COL_HELD,
	COL_AVAILABLE,
	COL_FROZEN,
	COL_FREEZE_CHANGED_AT,
	COL_FREEZE_CHANGED_BY,
	COL_FREEZE_REASON,
	COL_CREATED_AT
};

static struct account
read_row(const struct db_rows *rows, int row)
{
	return (struct account){
		.id = db_get_text(rows, row, COL_ID),
		.name = db_get_text(rows, row, COL_NAME),
		.currency = db_get_text(rows, row, COL_CURRENCY),
		.balance_minor = db_get_i64(rows, row, COL_BALANCE),
		.held_minor = db_get_i64(rows, row, COL_HELD),
		.available_minor = db_get_i64(rows, row, COL_AVAILABLE),
		.frozen = db_get_bool(rows, row, COL_FROZEN),
		.freeze_changed_at =
		    db_find_text(rows, row, COL_FREEZE_CHANGED_AT),
		.freeze_changed_by =
		    db_find_text(rows, row, COL_FREEZE_CHANGED_BY),
		.freeze_reason = db_find_text(rows, row, COL_FREEZE_REASON),
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
static const struct db_stmt select_any = {
	.name = "account_select_any",
	.sql = "SELECT " ACCOUNT_COLUMNS " FROM account WHERE id = $1",
	.nargs = 1,
	.read_only = true,
};

enum err
account_find(struct db *db, struct arena *a, const struct account_owner *owner,
    const char *id, struct account *ret_account)
{
	struct db_rows rows;
	enum err e;

	if (owner->any)
		e = db_run_one(db, a, &select_any, DB_ARGS(id), &rows);
	else
		e = db_run_one(
		    db, a, &select_account, DB_ARGS(owner->user_id, id), &rows);
	if (e != ERR_OK)
		return e;
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
static const struct db_stmt select_system = {
	.name = "account_select_system",
	.sql = "SELECT " ACCOUNT_COLUMNS " FROM account"
	       " WHERE kind = 'system' AND id > $1 ORDER BY id LIMIT $2",
	.nargs = 2,
	.read_only = true,
};

static const char oldest_id[] = "00000000-0000-0000-0000-000000000000";

enum err
account_find_page(struct db *db, struct arena *a,
    const struct account_owner *owner, const struct account_page *page,
    const struct account **ret_accounts, int64_t *ret_count)
{
	const char *after = page->after_id != NULL ? page->after_id : oldest_id;
	const char *limit = arena_i64(a, page->limit);
	struct account *accounts;
	struct db_rows rows;
	enum err e;

	if (owner->user_id != NULL)
		e = db_run(db, a, &select_page,
		    DB_ARGS(owner->user_id, after, limit), &rows);
	else
		e = db_run(db, a, &select_system, DB_ARGS(after, limit), &rows);
	if (e != ERR_OK)
		return e;
	accounts = arena_alloc(a, (size_t)rows.count * sizeof(*accounts));
	for (int i = 0; i < rows.count; i++)
		accounts[i] = read_row(&rows, i);
	*ret_accounts = accounts;
	*ret_count = rows.count;
	return ERR_OK;
}

static const struct db_stmt insert_first = {
	.name = "account_insert_first",
	.sql = "SELECT ledger_open_first($1, $2, $3)",
	.nargs = 3,
};

enum err
account_insert_first(struct db *db, struct arena *a, const char *user_id,
    const char *currency, const char *origin, int64_t *ret_emitted)
{
	struct db_rows rows;
	enum err e;

	*ret_emitted = 0;
	e = db_run(
	    db, a, &insert_first, DB_ARGS(user_id, currency, origin), &rows);
	if (e == ERR_OK)
		*ret_emitted = db_get_i64(&rows, 0, 0);
	return e;
}

static const struct db_stmt insert_account = {
	.name = "account_insert",
	.sql = "SELECT code, emitted, account_id"
	       " FROM ledger_open_account($1, $2, $3, $4)",
	.nargs = 4,
};
enum { OPENED_CODE, OPENED_EMITTED, OPENED_ID };

enum err
account_insert(struct db *db, struct arena *a, const char *user_id,
    const char *name, const char *currency, const char *origin,
    const char **ret_id, int64_t *ret_emitted, const char **ret_code)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &insert_account,
	    DB_ARGS(user_id, name, currency, origin), &rows);
	if (e != ERR_OK)
		return e;
	*ret_code = db_find_text(&rows, 0, OPENED_CODE);
	*ret_emitted = db_get_i64(&rows, 0, OPENED_EMITTED);
	*ret_id = db_find_text(&rows, 0, OPENED_ID);
	return ERR_OK;
}

/* clang-format off */
static const struct db_stmt insert_once = {
	.name = "account_insert_once",
	.sql = "SELECT code, replayed, emitted, account_id,"
	       " " DB_TIME("created_at")
	       " FROM ledger_open_account_once($1, $2, $3, $4, $5, $6)",
	.nargs = 6,
};
/* clang-format on */
enum {
	ONCE_CODE,
	ONCE_REPLAYED,
	ONCE_EMITTED,
	ONCE_ID,
	ONCE_CREATED_AT,
};

enum err
account_insert_once(struct db *db, struct arena *a, const char *user_id,
    const struct account_order *order, struct account *ret_account,
    bool *ret_replayed, int64_t *ret_emitted, const char **ret_code)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &insert_once,
	    DB_ARGS(user_id, order->key,
		arena_printf(a, "\\x%s", order->sha256_hex), order->name,
		order->currency, order->origin),
	    &rows);
	if (e != ERR_OK)
		return e;
	*ret_code = db_find_text(&rows, 0, ONCE_CODE);
	*ret_replayed = db_get_bool(&rows, 0, ONCE_REPLAYED);
	*ret_emitted = db_get_i64(&rows, 0, ONCE_EMITTED);
	if (*ret_code == NULL)
		/* These members have the same values in every new account. */
		*ret_account = (struct account){
			.id = db_get_text(&rows, 0, ONCE_ID),
			.name = order->name,
			.currency = order->currency,
			.created_at = db_get_text(&rows, 0, ONCE_CREATED_AT),
		};
	return ERR_OK;
}

static const struct db_stmt update_frozen = {
	.name = "account_update_frozen",
	.sql =
	    "SELECT is_there, emitted FROM ledger_freeze($1, $2, $3, $4, $5)",
	.nargs = 5,
};
enum { FROZEN_FOUND, FROZEN_EMITTED };

enum err
account_update_frozen(struct db *db, struct arena *a, const char *id,
    bool frozen, const struct account_freeze *by, int64_t *ret_emitted)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &update_frozen,
	    DB_ARGS(id, frozen ? "true" : "false", by->user_id, by->reason,
		by->origin),
	    &rows);
	if (e != ERR_OK)
		return e;
	*ret_emitted = db_get_i64(&rows, 0, FROZEN_EMITTED);
	return db_get_bool(&rows, 0, FROZEN_FOUND) ? ERR_OK : ERR_NOT_FOUND;
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

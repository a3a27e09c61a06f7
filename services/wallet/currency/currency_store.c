#include "wallet/currency/currency_store.h"

#include "base/arena.h"
#include "db/db.h"
#include "db/db_time.h"

static const struct db_stmt select_all = {
	.name = "currency_select_all",
	.sql = "SELECT code, exponent, iso, " DB_TIME(
	    "created_at") ","
			  " created_by, reason FROM currency ORDER BY code",
	.read_only = true,
};
enum {
	COL_CODE,
	COL_EXPONENT,
	COL_ISO,
	COL_CREATED_AT,
	COL_CREATED_BY,
	COL_REASON
};

enum err
currency_find_all(struct db *db, struct arena *a,
    const struct currency **ret_currencies, int64_t *ret_count)
{
	struct currency *all;
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &select_all, DB_NO_ARGS, &rows);
	if (e != ERR_OK)
		return e;
	all = arena_alloc(a, (size_t)rows.count * sizeof(*all));
	for (int i = 0; i < rows.count; i++)
		all[i] = (struct currency){
			.code = db_get_text(&rows, i, COL_CODE),
			.exponent = db_get_i64(&rows, i, COL_EXPONENT),
			.iso = db_get_bool(&rows, i, COL_ISO),
			.created_at = db_find_text(&rows, i, COL_CREATED_AT),
			.created_by = db_find_text(&rows, i, COL_CREATED_BY),
			.reason = db_find_text(&rows, i, COL_REASON),
		};
	*ret_currencies = all;
	*ret_count = rows.count;
	return ERR_OK;
}

/* clang-format off */
static const struct db_stmt insert_currency = {
	.name = "currency_insert",
	.sql = "SELECT code, emitted, " DB_TIME("created_at")
	       " FROM ledger_add_currency($1, $2, $3, $4, $5)",
	.nargs = 5,
};
/* clang-format on */
enum { ADDED_CODE, ADDED_EMITTED, ADDED_CREATED_AT };

enum err
currency_insert(struct db *db, struct arena *a, struct currency *currency,
    const char *origin, int64_t *ret_emitted, const char **ret_code)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &insert_currency,
	    DB_ARGS(currency->code, arena_i64(a, currency->exponent),
		currency->created_by, currency->reason, origin),
	    &rows);
	if (e != ERR_OK)
		return e;
	*ret_code = db_find_text(&rows, 0, ADDED_CODE);
	*ret_emitted = db_get_i64(&rows, 0, ADDED_EMITTED);
	currency->created_at = db_find_text(&rows, 0, ADDED_CREATED_AT);
	return ERR_OK;
}

#include "wallet/currency/currency_store.h"

#include "base/arena.h"
#include "db/db.h"

static const struct db_stmt select_all = {
	.name = "currency_select_all",
	.sql = "SELECT code, exponent, iso FROM currency ORDER BY code",
	.read_only = true,
};
enum { COL_CODE, COL_EXPONENT, COL_ISO };

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
		};
	*ret_currencies = all;
	*ret_count = rows.count;
	return ERR_OK;
}

static const struct db_stmt insert_currency = {
	.name = "currency_insert",
	.sql = "SELECT ledger_add_currency($1, $2)",
	.nargs = 2,
};

enum err
currency_insert(struct db *db, struct arena *a, const struct currency *currency)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &insert_currency,
	    DB_ARGS(currency->code,
		arena_printf(a, "%lld", (long long)currency->exponent)),
	    &rows);
	if (e != ERR_OK)
		return e;
	return db_get_bool(&rows, 0, 0) ? ERR_OK : ERR_CONFLICT;
}

#include "wallet/statement/statement_store.h"

#include "base/arena.h"
#include "db/db.h"
#include "db/db_time.h"

/* clang-format off */
static const struct db_stmt select_page = {
	.name = "statement_select_page",
	.sql = "SELECT to_char(month, 'YYYY-MM'), currency, opening, closing,"
	       " credits, debits, entries, " DB_TIME("created_at")
	       " FROM statement WHERE account_id = $1"
	       " AND month < coalesce(($2 || '-01')::date, 'infinity')"
	       " ORDER BY month DESC LIMIT $3",
	.nargs = 3,
	.read_only = true,
};
/* clang-format on */
enum {
	COL_MONTH,
	COL_CURRENCY,
	COL_OPENING,
	COL_CLOSING,
	COL_CREDITS,
	COL_DEBITS,
	COL_ENTRIES,
	COL_CREATED_AT
};

enum err
statement_find_page(struct db *db, struct arena *a, const char *account_id,
    const char *before_month, int64_t limit,
    const struct statement **ret_statements, int64_t *ret_count)
{
	struct statement *all;
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &select_page,
	    DB_ARGS(account_id, before_month, arena_i64(a, limit)), &rows);
	if (e != ERR_OK)
		return e;
	all = arena_alloc(a, (size_t)rows.count * sizeof(*all));
	for (int i = 0; i < rows.count; i++)
		all[i] = (struct statement){
			.month = db_get_text(&rows, i, COL_MONTH),
			.currency = db_get_text(&rows, i, COL_CURRENCY),
			.opening_minor = db_get_i64(&rows, i, COL_OPENING),
			.closing_minor = db_get_i64(&rows, i, COL_CLOSING),
			.credits_minor = db_get_text(&rows, i, COL_CREDITS),
			.debits_minor = db_get_text(&rows, i, COL_DEBITS),
			.entries = db_get_i64(&rows, i, COL_ENTRIES),
			.created_at = db_get_text(&rows, i, COL_CREATED_AT),
		};
	*ret_statements = all;
	*ret_count = rows.count;
	return ERR_OK;
}

#include "wallet/entry/entry_store.h"

#include "base/arena.h"
#include "db/db.h"
#include "db/db_time.h"

/*
 * The statement reads the entries of the requested period only, not all entries
 * from the newest or to the first one. The clock may have been set back, so it
 * also reads the two hours before and after that period.
 */
/* clang-format off */
static const struct db_stmt select_page = {
	.name = "entry_select_page",
	.sql = "SELECT e.id, e.transfer_id, e.amount, e.balance_after, t.memo,"
	       " " DB_TIME("e.created_at") ", e.seq"
	       " FROM (SELECT * FROM entry WHERE account_id = $1 AND seq < $2"
	       " AND seq >= coalesce(entry_seq_at($1,"
	       " $3::timestamptz - interval '2 hours'), 0)"
	       " AND seq < coalesce(entry_seq_at($1,"
	       " $4::timestamptz + interval '2 hours'), $2)"
	       " AND created_at >= coalesce($3::timestamptz, '-infinity')"
	       " AND created_at < coalesce($4::timestamptz, 'infinity')"
	       " ORDER BY seq DESC LIMIT $5) e"
	       " LEFT JOIN transfer t ON t.id = e.transfer_id"
	       " ORDER BY e.seq DESC",
	.nargs = 5,
	.read_only = true,
};
/* clang-format on */
enum {
	COL_ID,
	COL_TRANSFER_ID,
	COL_AMOUNT,
	COL_BALANCE_AFTER,
	COL_MEMO,
	COL_CREATED_AT,
	COL_SEQ
};

static const char newest_seq[] = "9223372036854775807";

enum err
entry_find_page(struct db *db, struct arena *a, const struct entry_page *page,
    const struct entry **ret_entries, int64_t *ret_count)
{
	const char *before = newest_seq;
	struct entry *entries;
	struct db_rows rows;
	enum err e;

	if (page->before_seq != 0)
		before = arena_i64(a, page->before_seq);
	e = db_run(db, a, &select_page,
	    DB_ARGS(page->account_id, before, page->from, page->to,
		arena_i64(a, page->limit)),
	    &rows);
	if (e != ERR_OK)
		return e;
	entries = arena_alloc(a, (size_t)rows.count * sizeof(*entries));
	for (int i = 0; i < rows.count; i++)
		entries[i] = (struct entry){
			.id = db_get_text(&rows, i, COL_ID),
			.transfer_id = db_get_text(&rows, i, COL_TRANSFER_ID),
			.amount_minor = db_get_i64(&rows, i, COL_AMOUNT),
			.balance_after_minor =
			    db_get_i64(&rows, i, COL_BALANCE_AFTER),
			.memo = db_find_text(&rows, i, COL_MEMO),
			.created_at = db_get_text(&rows, i, COL_CREATED_AT),
			.seq = db_get_i64(&rows, i, COL_SEQ),
		};
	*ret_entries = entries;
	*ret_count = rows.count;
	return ERR_OK;
}

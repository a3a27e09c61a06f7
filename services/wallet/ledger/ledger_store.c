#include "wallet/ledger/ledger_store.h"

#include <assert.h>

#include "base/arena.h"
#include "base/buf.h"
#include "db/db.h"

/*
 * The time is returned as text: it is passed unchanged to the next call of this
 * statement, by a session with the same settings.
 */
static const struct db_stmt due_holds = {
	.name = "ledger_due_holds",
	.sql = "SELECT id, expires_at::text FROM transfer WHERE status = 'held'"
	       " AND expires_at <= clock_timestamp() AND (expires_at, id) >"
	       " (coalesce($1::timestamptz, '-infinity'), coalesce($2::uuid,"
	       " '00000000-0000-0000-0000-000000000000'))"
	       " ORDER BY expires_at, id LIMIT $3",
	.nargs = 3,
	.read_only = true,
};
enum { DUE_ID, DUE_AT };

enum err
ledger_find_due_holds(struct db *db, struct arena *a,
    const struct ledger_hold *after, int64_t limit,
    const struct ledger_hold **ret_holds, int64_t *ret_count)
{
	struct ledger_hold *holds;
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &due_holds,
	    DB_ARGS(after->expires_at, after->id, arena_i64(a, limit)), &rows);
	if (e != ERR_OK)
		return e;
	holds = arena_alloc(a, (size_t)(rows.count + 1) * sizeof(*holds));
	for (int i = 0; i < rows.count; i++)
		holds[i] = (struct ledger_hold){
			.id = db_get_text(&rows, i, DUE_ID),
			.expires_at = db_get_text(&rows, i, DUE_AT),
		};
	*ret_holds = holds;
	*ret_count = rows.count;
	return ERR_OK;
}

static const struct db_stmt expire = {
	.name = "ledger_expire",
	.sql = "SELECT expired, emitted FROM ledger_expire_holds($1, $2)",
	.nargs = 2,
};
enum { EXPIRED_COUNT, EXPIRED_EMITTED };

enum { IDS_MAX_BYTES = 64 * 1024 };

enum err
ledger_expire(struct db *db, struct arena *a, const struct ledger_hold *holds,
    int64_t count, int64_t wait_ms, int64_t *ret_expired, int64_t *ret_emitted)
{
	struct db_rows rows;
	struct buf ids;
	enum err e;

	buf_init(&ids, a, IDS_MAX_BYTES);
	buf_putc(&ids, '{');
	for (int64_t i = 0; i < count; i++)
		buf_printf(&ids, i == 0 ? "%s" : ",%s", holds[i].id);
	buf_putc(&ids, '}');
	assert(!buf_failed(&ids));
	e = db_run(
	    db, a, &expire, DB_ARGS(ids.data, arena_i64(a, wait_ms)), &rows);
	if (e != ERR_OK)
		return e;
	*ret_expired = db_get_i64(&rows, 0, EXPIRED_COUNT);
	*ret_emitted = db_get_i64(&rows, 0, EXPIRED_EMITTED);
	return ERR_OK;
}

static enum err
count(struct db *db, struct arena *a, const struct db_stmt *stmt,
    struct db_args args, int64_t *ret_count)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, stmt, args, &rows);
	if (e == ERR_OK)
		*ret_count = db_get_i64(&rows, 0, 0);
	return e;
}

static const struct db_stmt write_statements = {
	.name = "ledger_write_statements",
	.sql = "SELECT ledger_write_statements($1)",
	.nargs = 1,
};
static const struct db_stmt write_missing_statements = {
	.name = "ledger_write_missing_statements",
	.sql = "SELECT ledger_write_missing_statements()",
};

enum err
ledger_write_statements(
    struct db *db, struct arena *a, const char *month, int64_t *ret_count)
{
	if (month == NULL)
		return count(
		    db, a, &write_missing_statements, DB_NO_ARGS, ret_count);
	return count(db, a, &write_statements, DB_ARGS(month), ret_count);
}

static const struct db_stmt forget_keys = {
	.name = "ledger_forget_keys",
	.sql = "SELECT forgotten, next_page FROM ledger_forget_keys($1, $2,"
	       " $3)",
	.nargs = 3,
};
enum { FORGOTTEN_COUNT, FORGOTTEN_NEXT };

/*
 * How many pages of 8 KiB are read by one statement; they have some 30 000
 * keys.
 */
static const char forget_pages[] = "500";

enum err
ledger_forget_keys(struct db *db, struct arena *a, int64_t days, int64_t *page,
    int64_t *ret_count)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &forget_keys,
	    DB_ARGS(arena_i64(a, days), arena_i64(a, *page), forget_pages),
	    &rows);
	if (e != ERR_OK)
		return e;
	*ret_count = db_get_i64(&rows, 0, FORGOTTEN_COUNT);
	*page = db_is_null(&rows, 0, FORGOTTEN_NEXT)
	            ? LEDGER_NO_PAGE
	            : db_get_i64(&rows, 0, FORGOTTEN_NEXT);
	return ERR_OK;
}

#include "wallet/ledger/ledger_check_store.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "db/db.h"
#include "db/db_time.h"

/*
 * How many entries or transfers a slice has; it is read in some tenths of a
 * second.
 */
static const char slice_rows[] = "20000";

/*
 * Reads the mismatches in the rows of a check. Each row has the counts of what
 * was checked and, if there is any, one mismatch.
 */
static void
add_mismatches(struct arena *a, const struct db_rows *rows, int first,
    struct ledger_mismatches *m)
{
	if (db_is_null(rows, 0, first))
		return;
	if (m->items == NULL)
		m->items =
		    arena_alloc(a, LEDGER_MISMATCHES_MAX * sizeof(*m->items));
	for (int i = 0; i < rows->count && m->count < LEDGER_MISMATCHES_MAX;
	     i++) {
		const char *id = db_find_text(rows, i, first + 1);
		const char *detail = db_find_text(rows, i, first + 2);

		m->items[m->count++] = (struct ledger_mismatch){
			.kind = arena_strdup(a, db_get_text(rows, i, first)),
			.id = id != NULL ? arena_strdup(a, id) : NULL,
			.detail =
			    detail != NULL ? arena_strdup(a, detail) : NULL,
		};
	}
}

#define MISMATCHES                                             \
	" c LEFT JOIN LATERAL json_to_recordset(c.mismatches)" \
	" AS m (kind text, id text, detail text) ON true"

/* clang-format off */
/*
 * Checks new entries without moving the checkpoints, so the statement may be
 * repeated.
 */
static const struct db_stmt check_new = {
	.name = "ledger_check_new",
	.sql = "SELECT c.accounts, c.transfers, c.entries, m.kind, m.id,"
	       " m.detail, " DB_TIME("c.since")
	       " FROM ledger_check_new($1, $2)" MISMATCHES,
	.nargs = 2,
	.read_only = true,
	.timeout_ms = 25000, /* less than the 30 s for which nginx waits */
};
static const struct db_stmt move_checkpoints = {
	.name = "ledger_move_checkpoints",
	.sql = "SELECT c.accounts, c.transfers, c.entries, m.kind, m.id,"
	       " m.detail, " DB_TIME("c.since")
	       " FROM ledger_check_new($1, $2)" MISMATCHES,
	.nargs = 2,
	.timeout_ms = 3600000,
};
static const struct db_stmt check_all = {
	.name = "ledger_check",
	.sql = "SELECT c.accounts, c.transfers, c.entries, m.kind, m.id,"
	       " m.detail, NULL FROM ledger_check($1)" MISMATCHES,
	.nargs = 1,
	.read_only = true,
	.timeout_ms = 25000,
};
static const struct db_stmt check_all_patiently = {
	.name = "ledger_check_patiently",
	.sql = "SELECT c.accounts, c.transfers, c.entries, m.kind, m.id,"
	       " m.detail, NULL FROM ledger_check($1)" MISMATCHES,
	.nargs = 1,
	.read_only = true,
	.timeout_ms = 3600000,
};
/* clang-format on */
enum {
	COL_ACCOUNTS,
	COL_TRANSFERS,
	COL_ENTRIES,
	COL_KIND,
	COL_ID,
	COL_DETAIL,
	COL_SINCE
};

static enum err
read_books(struct db *db, struct arena *a, const struct db_stmt *stmt,
    struct db_args args, struct ledger_state *ret_state)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, stmt, args, &rows);
	if (e != ERR_OK)
		return e;
	*ret_state = (struct ledger_state){
		.accounts = db_get_i64(&rows, 0, COL_ACCOUNTS),
		.transfers = db_get_i64(&rows, 0, COL_TRANSFERS),
		.entries = db_get_i64(&rows, 0, COL_ENTRIES),
		.since = db_find_text(&rows, 0, COL_SINCE),
	};
	add_mismatches(a, &rows, COL_KIND, &ret_state->mismatches);
	return ERR_OK;
}

enum err
ledger_read_new(
    struct db *db, struct arena *a, bool move, struct ledger_state *ret_state)
{
	return read_books(db, a, move ? &move_checkpoints : &check_new,
	    DB_ARGS(
		arena_i64(a, LEDGER_MISMATCHES_MAX), move ? "true" : "false"),
	    ret_state);
}

enum err
ledger_read_all(struct db *db, struct arena *a, bool is_patient,
    struct ledger_state *ret_state)
{
	return read_books(db, a, is_patient ? &check_all_patiently : &check_all,
	    DB_ARGS(arena_i64(a, LEDGER_MISMATCHES_MAX)), ret_state);
}

static const struct db_stmt read_bound = {
	.name = "ledger_read_bound",
	.sql = "SELECT (clock_timestamp() - interval '1 hour')::text",
	.read_only = true,
};

enum err
ledger_read_bound(struct db *db, struct arena *a, const char **ret_before)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &read_bound, DB_NO_ARGS, &rows);

	if (e == ERR_OK)
		*ret_before = db_get_text(&rows, 0, 0);
	return e;
}

static void
keep_id(char *to, const char *id)
{
	assert(strlen(id) == UUID_TEXT_SIZE - 1);
	memcpy(to, id, UUID_TEXT_SIZE);
}

static const struct db_stmt check_entries = {
	.name = "ledger_check_entries",
	.sql = "SELECT c.next_account, c.next_seq, c.next_running, c.entries,"
	       " c.debits, c.debit_hash, c.credits, c.credit_hash, m.kind,"
	       " m.id, m.detail"
	       " FROM ledger_check_entries($1, $2, $3, $4, $5)" MISMATCHES,
	.nargs = 5,
	.read_only = true,
	.timeout_ms = 60000,
};
enum {
	ENTRIES_ACCOUNT,
	ENTRIES_SEQ,
	ENTRIES_RUNNING,
	ENTRIES_COUNT,
	ENTRIES_DEBITS,
	ENTRIES_DEBIT_HASH,
	ENTRIES_CREDITS,
	ENTRIES_CREDIT_HASH,
	ENTRIES_KIND
};

enum err
ledger_read_entries(struct db *db, struct arena *a, struct ledger_slice *slice,
    struct ledger_state *state)
{
	struct ledger_sides *s = &slice->sides;
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &check_entries,
	    DB_ARGS(slice->account, arena_i64(a, slice->seq),
		arena_i64(a, slice->running_minor), slice->before, slice_rows),
	    &rows);
	if (e != ERR_OK)
		return e;
	state->entries += db_get_i64(&rows, 0, ENTRIES_COUNT);
	s->debits += db_get_i64(&rows, 0, ENTRIES_DEBITS);
	s->debit_hash ^= db_get_i64(&rows, 0, ENTRIES_DEBIT_HASH);
	s->credits += db_get_i64(&rows, 0, ENTRIES_CREDITS);
	s->credit_hash ^= db_get_i64(&rows, 0, ENTRIES_CREDIT_HASH);
	add_mismatches(a, &rows, ENTRIES_KIND, &state->mismatches);
	slice->is_last = db_is_null(&rows, 0, ENTRIES_ACCOUNT);
	if (slice->is_last)
		return ERR_OK;
	keep_id(slice->account, db_get_text(&rows, 0, ENTRIES_ACCOUNT));
	slice->seq = db_get_i64(&rows, 0, ENTRIES_SEQ);
	slice->running_minor = db_get_i64(&rows, 0, ENTRIES_RUNNING);
	return ERR_OK;
}

static const struct db_stmt check_transfers = {
	.name = "ledger_check_transfers",
	.sql = "SELECT c.next_id, c.transfers, c.moved, c.moved_hash, m.kind,"
	       " m.id, m.detail"
	       " FROM ledger_check_transfers($1, $2, $3)" MISMATCHES,
	.nargs = 3,
	.read_only = true,
	.timeout_ms = 60000,
};
enum {
	TRANSFERS_NEXT,
	TRANSFERS_COUNT,
	TRANSFERS_MOVED,
	TRANSFERS_HASH,
	TRANSFERS_KIND
};

enum err
ledger_read_transfers(struct db *db, struct arena *a,
    struct ledger_slice *slice, struct ledger_state *state)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &check_transfers,
	    DB_ARGS(slice->transfer, slice->before, slice_rows), &rows);
	if (e != ERR_OK)
		return e;
	state->transfers += db_get_i64(&rows, 0, TRANSFERS_COUNT);
	slice->sides.transfers += db_get_i64(&rows, 0, TRANSFERS_MOVED);
	slice->sides.transfer_hash ^= db_get_i64(&rows, 0, TRANSFERS_HASH);
	add_mismatches(a, &rows, TRANSFERS_KIND, &state->mismatches);
	slice->is_last = db_is_null(&rows, 0, TRANSFERS_NEXT);
	if (!slice->is_last)
		keep_id(slice->transfer, db_get_text(&rows, 0, TRANSFERS_NEXT));
	return ERR_OK;
}

static const struct db_stmt check_rest = {
	.name = "ledger_check_rest",
	.sql = "SELECT c.accounts, m.kind, m.id, m.detail"
	       " FROM ledger_check_rest()" MISMATCHES,
	.read_only = true,
	.timeout_ms = 600000,
};
enum { REST_ACCOUNTS, REST_KIND };

enum err
ledger_read_rest(struct db *db, struct arena *a, struct ledger_state *state)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &check_rest, DB_NO_ARGS, &rows);

	if (e != ERR_OK)
		return e;
	state->accounts = db_get_i64(&rows, 0, REST_ACCOUNTS);
	add_mismatches(a, &rows, REST_KIND, &state->mismatches);
	return ERR_OK;
}

static const struct db_stmt note_check = {
	.name = "ledger_note_check",
	.sql = "SELECT ledger_note_check($1, $2)",
	.nargs = 2,
};

enum err
ledger_note_check(
    struct db *db, struct arena *a, int64_t nmismatches, bool full)
{
	return db_run(db, a, &note_check,
	    DB_ARGS(arena_i64(a, nmismatches), full ? "true" : "false"),
	    /* ret_rows= */ NULL);
}

static const struct db_stmt last_check = {
	.name = "ledger_last_check",
	.sql = "SELECT floor(extract(epoch FROM checked_at))::bigint,"
	       " coalesce(floor(extract(epoch FROM full_at))::bigint, 0),"
	       " mismatches + full_mismatches FROM ledger_checked",
	.read_only = true,
};
enum { LAST_AT, LAST_FULL_AT, LAST_MISMATCHES };

enum err
ledger_find_last_check(
    struct db *db, struct arena *a, struct ledger_last_check *ret_last)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &last_check, DB_NO_ARGS, &rows);
	if (e != ERR_OK)
		return e;
	if (rows.count == 0)
		return ERR_NOT_FOUND;
	*ret_last = (struct ledger_last_check){
		.at_s = db_get_i64(&rows, 0, LAST_AT),
		.full_at_s = db_get_i64(&rows, 0, LAST_FULL_AT),
		.nmismatches = db_get_i64(&rows, 0, LAST_MISMATCHES),
	};
	return ERR_OK;
}

#include "wallet/transfer/transfer_store.h"

#include "base/arena.h"
#include "db/db.h"
#include "db/db_time.h"
#include "wallet/operation/operation.h"
#include "wallet/transfer/transfer_item.h"

enum {
	COL_ID,
	COL_KIND,
	COL_STATUS,
	COL_DEBIT,
	COL_CREDIT,
	COL_AMOUNT,
	COL_CURRENCY,
	COL_MEMO,
	COL_METADATA,
	COL_CREATED_AT,
	COL_CREATED_BY,
	COL_REASON,
	COL_EXPIRES_AT,
	COL_SETTLED_AT,
	COL_SETTLED_BY,
	COL_SETTLED_REASON,
	COL_CAPTURED,
	COL_REVERSED,
	COL_REVERSES,
	COL_PROVIDER,
	COL_REFERENCE,
	COL__MAX
};
/* These columns come before the columns of the transfer. */
enum { COL_CODE, COL_REPLAYED, COL_EMITTED, COL_TRANSFER };

struct transfer
transfer_read(const struct db_rows *rows, int row, int first)
{
	struct transfer t = {
		.id = db_get_text(rows, row, first + COL_ID),
		.kind = db_get_text(rows, row, first + COL_KIND),
		.status = db_get_text(rows, row, first + COL_STATUS),
		.debit_id = db_get_text(rows, row, first + COL_DEBIT),
		.credit_id = db_get_text(rows, row, first + COL_CREDIT),
		.amount_minor = db_get_i64(rows, row, first + COL_AMOUNT),
		.currency = db_get_text(rows, row, first + COL_CURRENCY),
		.memo = db_find_text(rows, row, first + COL_MEMO),
		.metadata.text = db_find_text(rows, row, first + COL_METADATA),
		.created_at = db_get_text(rows, row, first + COL_CREATED_AT),
		.created_by = db_find_text(rows, row, first + COL_CREATED_BY),
		.reason = db_find_text(rows, row, first + COL_REASON),
		.expires_at = db_find_text(rows, row, first + COL_EXPIRES_AT),
		.settled_at = db_find_text(rows, row, first + COL_SETTLED_AT),
		.settled_by = db_find_text(rows, row, first + COL_SETTLED_BY),
		.settled_reason =
		    db_find_text(rows, row, first + COL_SETTLED_REASON),
		.reversed_minor = db_get_i64(rows, row, first + COL_REVERSED),
		.reverses = db_find_text(rows, row, first + COL_REVERSES),
		.provider = db_find_text(rows, row, first + COL_PROVIDER),
		.reference = db_find_text(rows, row, first + COL_REFERENCE),
	};

	if (!db_is_null(rows, row, first + COL_CAPTURED))
		t.captured = (struct opt_int64){
			.value = db_get_i64(rows, row, first + COL_CAPTURED),
			.set = true,
		};
	return t;
}

static enum err
ask(struct db *db, struct arena *a, const struct db_stmt *stmt,
    struct db_args args, struct transfer_answer *ret_answer,
    struct db_rows *ret_rows)
{
	enum err e;

	e = db_run(db, a, stmt, args, ret_rows);
	if (e != ERR_OK)
		return e;
	*ret_answer = (struct transfer_answer){
		.code = db_find_text(ret_rows, 0, COL_CODE),
	};
	if (ret_answer->code != NULL)
		return ERR_OK;
	ret_answer->replayed = db_get_bool(ret_rows, 0, COL_REPLAYED);
	ret_answer->emitted = db_get_i64(ret_rows, 0, COL_EMITTED);
	ret_answer->transfer = transfer_read(ret_rows, 0, COL_TRANSFER);
	return ERR_OK;
}

static const char *
opt_int_text(struct arena *a, struct opt_int64 n)
{
	return n.set ? arena_i64(a, n.value) : NULL;
}

/* Writes a bytea parameter: "\x" and hexadecimal digits. */
static const char *
sha256_text(struct arena *a, const struct operation *o)
{
	return arena_printf(a, "\\x%s", o->sha256_hex);
}

/* clang-format off */
static const struct db_stmt select_transfer = {
	.name = "transfer_select",
	.sql = "SELECT " TRANSFER_COLUMNS("t") " FROM transfer t"
	       " WHERE t.id = $1 AND ($3::boolean OR EXISTS (SELECT"
	       " FROM account WHERE id IN (t.debit_account_id,"
	       " t.credit_account_id) AND user_id = $2))",
	.nargs = 3,
	.read_only = true,
};
/* clang-format on */

enum err
transfer_find(struct db *db, struct arena *a, const struct transfer_actor *who,
    const char *id, struct transfer *ret_transfer)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &select_transfer,
	    DB_ARGS(id, who->user_id, operation_bool(who->is_operator)), &rows);
	if (e != ERR_OK)
		return e;
	if (rows.count == 0)
		return ERR_NOT_FOUND;
	*ret_transfer = transfer_read(&rows, 0, 0);
	return ERR_OK;
}

#define ANSWER_COLUMNS \
	"code, replayed, emitted, " TRANSFER_COLUMNS("a.transfer")

static const struct db_stmt make = {
	.name = "transfer_make",
	.sql = "SELECT " TRANSFER_MADE_COLUMNS " FROM ledger_transfer($1, $2,"
	       " $3, $4, $5, $6, $7, $8, $9, $10, p_origin => $11)",
	.nargs = 11,
};

enum err
transfer_make(struct db *db, struct arena *a, const struct transfer_actor *who,
    const struct operation *o, const struct transfer_order *order,
    struct transfer_answer *ret_answer)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &make,
	    DB_ARGS(who->user_id, operation_bool(who->is_operator), o->key,
		sha256_text(a, o), order->debit_id, order->credit_id,
		arena_i64(a, order->amount_minor), order->memo,
		order->metadata.text,
		order->hold ? arena_i64(a, transfer_hold_s(order)) : NULL,
		who->origin),
	    &rows);
	if (e != ERR_OK)
		return e;
	*ret_answer = transfer_made_read(a, &rows, 0, who, order);
	return ERR_OK;
}

static const struct db_stmt capture = {
	.name = "transfer_capture",
	.sql = "SELECT " ANSWER_COLUMNS
	       " FROM ledger_capture($1, $2, $3, $4, $5, $6, $7, $8) a",
	.nargs = 8,
};

enum err
transfer_capture(struct db *db, struct arena *a,
    const struct transfer_actor *who, const struct operation *o, const char *id,
    struct opt_int64 amount, const char *reason,
    struct transfer_answer *ret_answer)
{
	struct db_rows rows;

	return ask(db, a, &capture,
	    DB_ARGS(who->user_id, operation_bool(who->is_operator), o->key,
		sha256_text(a, o), id, opt_int_text(a, amount), who->origin,
		reason),
	    ret_answer, &rows);
}

static const struct db_stmt release = {
	.name = "transfer_release",
	.sql = "SELECT " ANSWER_COLUMNS
	       " FROM ledger_release($1, $2, $3, $4, $5) a",
	.nargs = 5,
};

enum err
transfer_release(struct db *db, struct arena *a,
    const struct transfer_actor *who, const char *id, const char *reason,
    struct transfer_answer *ret_answer)
{
	struct db_rows rows;

	return ask(db, a, &release,
	    DB_ARGS(who->user_id, operation_bool(who->is_operator), id,
		who->origin, reason),
	    ret_answer, &rows);
}

/*
 * The row has first the original transfer, which is the response to the client,
 * and then the id of the reversal.
 */
/* clang-format off */
static const struct db_stmt reverse = {
	.name = "transfer_reverse",
	.sql = "SELECT (answer).code, (answer).replayed, (answer).emitted, "
	       TRANSFER_COLUMNS("original") ", ((answer).transfer).id"
	       " FROM ledger_reverse($1, $2, $3, $4, $5, $6, $7, $8)",
	.nargs = 8,
};
/* clang-format on */

enum err
transfer_reverse(struct db *db, struct arena *a,
    const struct transfer_actor *who, const struct operation *o, const char *id,
    const struct transfer_reversal *in, struct transfer_answer *ret_answer)
{
	struct db_rows rows;
	enum err e;

	e = ask(db, a, &reverse,
	    DB_ARGS(who->user_id, o->key, sha256_text(a, o), id,
		opt_int_text(a, in->amount), in->memo, who->origin, in->reason),
	    ret_answer, &rows);
	if (e == ERR_OK && ret_answer->code == NULL)
		ret_answer->transfer.reversal_id =
		    db_get_text(&rows, 0, COL_TRANSFER + COL__MAX);
	return e;
}

static const struct db_stmt external = {
	.name = "transfer_external",
	.sql = "SELECT " ANSWER_COLUMNS
	       " FROM ledger_external($1, $2, $3, $4, $5, $6, $7, $8, $9) a",
	.nargs = 9,
};

enum err
transfer_external(struct db *db, struct arena *a,
    const struct transfer_actor *who, const char *kind,
    const struct transfer_external *in, struct transfer_answer *ret_answer)
{
	struct db_rows rows;

	return ask(db, a, &external,
	    DB_ARGS(who->user_id, kind, in->account_id,
		arena_i64(a, in->amount_minor), in->provider, in->reference,
		in->memo, who->origin, in->reason),
	    ret_answer, &rows);
}

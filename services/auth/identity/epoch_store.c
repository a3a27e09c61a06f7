#include "auth/identity/epoch_store.h"

#include "base/arena.h"
#include "db/db.h"

static enum err
run_for_epoch(struct db *db, struct arena *a, const struct db_stmt *stmt,
    struct db_args args, int64_t *ret_epoch)
{
	struct db_rows rows;
	enum err e = db_run(db, a, stmt, args, &rows);

	if (e != ERR_OK)
		return e;
	if (rows.count != 1)
		return ERR_INTERNAL;
	*ret_epoch = db_get_i64(&rows, 0, 0);
	return ERR_OK;
}

static const struct db_stmt select_epoch = {
	.name = "epoch_select",
	.sql = "SELECT epoch FROM kedge_session_epoch",
	.read_only = true,
};

enum err
epoch_select(struct db *db, struct arena *a, int64_t *ret_epoch)
{
	return run_for_epoch(db, a, &select_epoch, DB_NO_ARGS, ret_epoch);
}

/* kedge.revoking: the triggers need not raise the epoch for what follows. */
static const struct db_stmt lock_shared = {
	.name = "epoch_lock_shared",
	.sql = "SELECT pg_advisory_xact_lock_shared("
	       "hashtextextended('kedge_cache_epoch', 0)),"
	       " set_config('kedge.revoking', 'tombstone', true)",
};
static const struct db_stmt lock_alone = {
	.name = "epoch_lock_alone",
	.sql = "SELECT pg_advisory_xact_lock("
	       "hashtextextended('kedge_cache_epoch', 0)),"
	       " set_config('kedge.revoking', 'tombstone', true)",
};

enum err
epoch_lock(struct db *tx, struct arena *a, bool alone)
{
	return db_run(
	    tx, a, alone ? &lock_alone : &lock_shared, DB_NO_ARGS, NULL);
}

static const struct db_stmt raise_epoch = {
	.name = "epoch_raise",
	.sql = "UPDATE kedge_session_epoch"
	       " SET epoch = greatest(epoch + 1, $1::bigint)"
	       " RETURNING epoch",
	.nargs = 1,
};

enum err
epoch_raise_row(
    struct db *tx, struct arena *a, int64_t least, int64_t *ret_epoch)
{
	const char *text = arena_i64(a, least);

	return run_for_epoch(tx, a, &raise_epoch, DB_ARGS(text), ret_epoch);
}

static const struct db_stmt restore_epoch = {
	.name = "epoch_restore",
	.sql = "UPDATE kedge_session_epoch SET epoch = $1::bigint"
	       " WHERE epoch < $1::bigint",
	.nargs = 1,
};

enum err
epoch_restore_row(struct db *db, struct arena *a, int64_t least)
{
	const char *text = arena_i64(a, least);

	return db_run(db, a, &restore_epoch, DB_ARGS(text), NULL);
}

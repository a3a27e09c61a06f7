#include "auth/mail/auth_mail_store.h"

#include "base/arena.h"
#include "db/db.h"

static const struct db_stmt insert = {
	.name = "auth_mail_insert",
	.sql = "INSERT INTO kedge_mail"
	       " (id, kind, recipient, language, sealed, expires_at)"
	       " VALUES ($1, $2, $3, $4, $5, now() + $6::bigint * interval '1 "
	       "s')",
	.nargs = 6,
};

enum err
auth_mail_insert(
    struct db *tx, struct arena *a, const struct mail_row *row, int64_t ttl_s)
{
	return db_run(tx, a, &insert,
	    DB_ARGS(row->id, row->kind, row->recipient, row->language,
		row->sealed, arena_i64(a, ttl_s)),
	    NULL);
}

static const struct db_stmt select_one = {
	.name = "auth_mail_select",
	.sql = "SELECT id, kind, recipient, language, sealed,"
	       " (extract(epoch FROM created_at) * 1000)::bigint,"
	       " expires_at <= now() FROM kedge_mail WHERE id = $1",
	.nargs = 1,
	.read_only = true,
};

enum err
auth_mail_select(
    struct db *db, struct arena *a, const char *id, struct mail_row *ret_row)
{
	struct db_rows rows;
	enum err e = db_run_one(db, a, &select_one, DB_ARGS(id), &rows);

	if (e != ERR_OK)
		return e;
	*ret_row = (struct mail_row){
		.id = db_get_text(&rows, 0, 0),
		.kind = db_get_text(&rows, 0, 1),
		.recipient = db_get_text(&rows, 0, 2),
		.language = db_get_text(&rows, 0, 3),
		.sealed = db_get_text(&rows, 0, 4),
		.created_ms = db_get_i64(&rows, 0, 5),
		.is_expired = db_get_bool(&rows, 0, 6),
	};
	return ERR_OK;
}

static const struct db_stmt delete_one = {
	.name = "auth_mail_delete",
	.sql = "DELETE FROM kedge_mail WHERE id = $1",
	.nargs = 1,
};

enum err
auth_mail_delete(struct db *db, struct arena *a, const char *id)
{
	return db_run(db, a, &delete_one, DB_ARGS(id), NULL);
}

/* A job that has given up leaves its row until then. */
static const struct db_stmt sweep = {
	.name = "auth_mail_sweep",
	.sql = "DELETE FROM kedge_mail WHERE expires_at < now()",
};

enum err
auth_mail_sweep(struct db *db, struct arena *a, int64_t *ret_deleted)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &sweep, DB_NO_ARGS, &rows);

	if (e == ERR_OK)
		*ret_deleted = rows.affected;
	return e;
}

#include "auth/identity/verification.h"

#include "base/arena.h"
#include "db/db.h"

/* Milliseconds, as BetterAuth writes times. */
#define NOW "date_trunc('milliseconds', now())"

static const struct db_stmt insert = {
	.name = "verification_insert",
	.sql = "INSERT INTO verification (id, identifier, value,"
	       " \"expiresAt\", \"createdAt\", \"updatedAt\")"
	       " VALUES (uuidv7()::text, $1, $2,"
	       " " NOW " + $3::bigint * interval '1 s', " NOW ", " NOW ")",
	.nargs = 3,
};

enum err
verification_create(struct db *db, struct arena *a, const char *identifier,
    const char *value, int64_t ttl_s)
{
	const char *ttl = arena_i64(a, ttl_s);

	return db_run(db, a, &insert, DB_ARGS(identifier, value, ttl), NULL);
}

/*
 * Two requests delete the same rows: the second waits for the first and then
 * finds none.  The expiry is checked here, because an expired row stays until
 * the sweep.
 */
static const struct db_stmt consume = {
	.name = "verification_consume",
	.sql = "WITH gone AS (DELETE FROM verification WHERE identifier = $1"
	       " RETURNING id, value, \"createdAt\", \"expiresAt\")"
	       " SELECT value, \"expiresAt\" > clock_timestamp() FROM gone"
	       " ORDER BY \"createdAt\" DESC, id DESC LIMIT 1",
	.nargs = 1,
};
enum { CONSUMED_VALUE, CONSUMED_LIVE };

enum err
verification_consume(struct db *db, struct arena *a, const char *identifier,
    const char **ret_value)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &consume, DB_ARGS(identifier), &rows);

	if (e != ERR_OK)
		return e;
	if (rows.count == 0 || !db_get_bool(&rows, 0, CONSUMED_LIVE))
		return ERR_NOT_FOUND;
	*ret_value = db_get_text(&rows, 0, CONSUMED_VALUE);
	return ERR_OK;
}

static const struct db_stmt consume_of = {
	.name = "verification_consume_of",
	.sql = "DELETE FROM verification WHERE identifier = $1 AND value = $2"
	       " RETURNING \"expiresAt\" > clock_timestamp()",
	.nargs = 2,
};

enum err
verification_consume_of(
    struct db *db, struct arena *a, const char *identifier, const char *value)
{
	struct db_rows rows;
	enum err e =
	    db_run(db, a, &consume_of, DB_ARGS(identifier, value), &rows);

	if (e != ERR_OK)
		return e;
	return rows.count > 0 && db_get_bool(&rows, 0, 0) ? ERR_OK
	                                                  : ERR_NOT_FOUND;
}

static const struct db_stmt find = {
	.name = "verification_find",
	.sql = "SELECT value, \"expiresAt\" > now() FROM verification"
	       " WHERE identifier = $1"
	       " ORDER BY \"createdAt\" DESC, id DESC LIMIT 1",
	.nargs = 1,
	.read_only = true,
};

enum err
verification_find(struct db *db, struct arena *a, const char *identifier,
    const char **ret_value)
{
	struct db_rows rows;
	enum err e = db_run_one(db, a, &find, DB_ARGS(identifier), &rows);

	if (e != ERR_OK)
		return e;
	if (!db_get_bool(&rows, 0, CONSUMED_LIVE))
		return ERR_NOT_FOUND;
	*ret_value = db_get_text(&rows, 0, CONSUMED_VALUE);
	return ERR_OK;
}

/* The statement uses the index of 0041_verification_value.sql. */
static const struct db_stmt drop = {
	.name = "verification_drop",
	.sql = "DELETE FROM verification WHERE value = $2"
	       " AND length(value) <= 255 AND starts_with(identifier, $1)",
	.nargs = 2,
};

enum err
verification_drop(
    struct db *db, struct arena *a, const char *prefix, const char *value)
{
	return db_run(db, a, &drop, DB_ARGS(prefix, value), NULL);
}

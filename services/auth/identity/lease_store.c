#include "auth/identity/lease_store.h"

#include <inttypes.h>

#include "base/arena.h"
#include "db/db.h"

static const char *
host_name(struct arena *a, uint64_t host)
{
	return arena_printf(a, "%016" PRIx64, host);
}

static const struct db_stmt upsert = {
	.name = "lease_upsert",
	.sql = "INSERT INTO kedge_session_host AS h (host, epoch, expires_at)"
	       " VALUES ($1, $2::bigint,"
	       " clock_timestamp() + $3::bigint * interval '1 ms')"
	       " ON CONFLICT (host) DO UPDATE"
	       " SET epoch = greatest(h.epoch, excluded.epoch),"
	       " expires_at = excluded.expires_at",
	.nargs = 3,
};

enum err
lease_upsert(struct db *db, struct arena *a, uint64_t host, int64_t epoch,
    int64_t lease_ms)
{
	return db_run(db, a, &upsert,
	    DB_ARGS(host_name(a, host), arena_i64(a, epoch),
		arena_i64(a, lease_ms)),
	    NULL);
}

static const struct db_stmt delete_one = {
	.name = "lease_delete",
	.sql = "DELETE FROM kedge_session_host WHERE host = $1",
	.nargs = 1,
};

enum err
lease_delete(struct db *db, struct arena *a, uint64_t host)
{
	return db_run(db, a, &delete_one, DB_ARGS(host_name(a, host)), NULL);
}

static const struct db_stmt delete_dead = {
	.name = "lease_delete_dead",
	.sql = "DELETE FROM kedge_session_host WHERE expires_at <"
	       " clock_timestamp() - $1::bigint * interval '1 s'",
	.nargs = 1,
};

enum err
lease_delete_dead(struct db *db, struct arena *a, int64_t *ret_count)
{
	struct db_rows rows;
	enum err e = db_run(
	    db, a, &delete_dead, DB_ARGS(arena_i64(a, LEASE_DEAD_S)), &rows);

	if (e == ERR_OK)
		*ret_count = rows.affected;
	return e;
}

static const struct db_stmt count_behind = {
	.name = "lease_count_behind",
	.sql = "SELECT count(*) FROM kedge_session_host"
	       " WHERE host <> $1 AND epoch < $2::bigint AND expires_at >"
	       " clock_timestamp() - $3::bigint * interval '1 s'",
	.nargs = 3,
	.read_only = true,
};

enum err
lease_count_behind(struct db *db, struct arena *a, uint64_t host, int64_t epoch,
    int64_t *ret_count)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &count_behind,
	    DB_ARGS(host_name(a, host), arena_i64(a, epoch),
		arena_i64(a, LEASE_CLOCK_STEP_S)),
	    &rows);

	if (e == ERR_OK)
		*ret_count = db_get_i64(&rows, 0, 0);
	return e;
}

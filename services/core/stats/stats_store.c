#include "core/stats/stats_store.h"

#include "db/db.h"

static const struct db_stmt count_rows = {
	.name = "stats_count",
	.sql = "SELECT (SELECT count(*) FROM profile),"
	       " (SELECT count(*) FROM task)",
	.read_only = true,
};
enum { COL_PROFILES, COL_TASKS };

enum err
stats_count(struct db *db, struct arena *a, struct stats *ret_stats)
{
	struct db_rows rows;
	enum err e;

	e = db_run(db, a, &count_rows, DB_NO_ARGS, &rows);
	if (e != ERR_OK)
		return e;
	*ret_stats = (struct stats){
		.profiles = db_get_i64(&rows, 0, COL_PROFILES),
		.tasks = db_get_i64(&rows, 0, COL_TASKS),
	};
	return ERR_OK;
}

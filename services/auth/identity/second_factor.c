#include "auth/identity/second_factor.h"

#include "auth/identity/verification.h"
#include "db/db.h"

/*
 * A database that BetterAuth made may have the column without a row, or several
 * rows.
 */
static const struct db_stmt remove_rows = {
	.name = "second_factor_remove",
	.sql = "WITH gone AS (DELETE FROM \"twoFactor\""
	       " WHERE \"userId\" = $1 RETURNING id)"
	       " UPDATE \"user\" SET \"twoFactorEnabled\" = false,"
	       " \"updatedAt\" = date_trunc('milliseconds', now())"
	       " WHERE id = $1 AND (coalesce(\"twoFactorEnabled\", false)"
	       " OR EXISTS (SELECT FROM gone))",
	.nargs = 1,
};

enum err
second_factor_remove(
    struct db *tx, struct arena *a, const char *user_id, bool *ret_had)
{
	struct db_rows rows;
	enum err e = db_run(tx, a, &remove_rows, DB_ARGS(user_id), &rows);

	if (e != ERR_OK)
		return e;
	*ret_had = rows.affected > 0;
	return verification_drop(tx, a, TRUSTED_DEVICE_PREFIX, user_id);
}

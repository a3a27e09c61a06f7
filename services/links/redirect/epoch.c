#include "links/redirect/epoch.h"

#include "base/clock.h"
#include "db/db.h"

static const struct db_stmt select_epoch = {
	.name = "epoch_select",
	.sql = "SELECT epoch FROM link_epoch",
	.read_only = true,
};
static const struct db_stmt raise_epoch = {
	.name = "epoch_raise",
	.sql = "UPDATE link_epoch SET epoch = epoch + 1 RETURNING epoch",
};

int64_t
link_epoch_least(const struct epoch *epoch, int64_t lease_ms)
{
	int64_t age_us = clock_boottime_us() - atomic_load(&epoch->read_at_us);

	return age_us < lease_ms * 1000 ? atomic_load(&epoch->number) : 0;
}

static void
raise_to(_Atomic int64_t *value, int64_t to)
{
	int64_t now = atomic_load(value);

	while (now < to && !atomic_compare_exchange_weak(value, &now, to))
		;
}

void
link_epoch_note(struct epoch *epoch, int64_t number)
{
	raise_to(&epoch->number, number);
}

enum err
link_epoch_refresh(
    struct epoch *epoch, struct db *db, struct arena *a, int64_t max_age_ms)
{
	int64_t begun_us = clock_boottime_us();
	struct db_rows rows;
	enum err e;

	if (begun_us - atomic_load(&epoch->read_at_us) < max_age_ms * 1000)
		return ERR_OK;
	e = db_run(db, a, &select_epoch, DB_NO_ARGS, &rows);
	if (e != ERR_OK || rows.count != 1)
		return e;
	/* In this order: the time is valid for this number or a later one. */
	link_epoch_note(epoch, db_get_i64(&rows, 0, 0));
	raise_to(&epoch->read_at_us, begun_us);
	return ERR_OK;
}

enum err
link_epoch_raise(struct db *tx, struct arena *a, int64_t *ret_number)
{
	struct db_rows rows;
	enum err e = db_run(tx, a, &raise_epoch, DB_NO_ARGS, &rows);

	if (e == ERR_OK && rows.count != 1)
		return ERR_INTERNAL;
	if (e == ERR_OK)
		*ret_number = db_get_i64(&rows, 0, 0);
	return e;
}

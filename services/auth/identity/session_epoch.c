#include "auth/identity/session_epoch.h"

#include "auth/identity/epoch_store.h"
#include "auth/log_events.h"
#include "base/log.h"
#include "db/db.h"

int64_t
epoch_get(const struct epoch *e)
{
	return atomic_load_explicit(&e->value, memory_order_acquire);
}

void
epoch_raise(struct epoch *e, int64_t value)
{
	int64_t old = epoch_get(e);

	while (old < value &&
	       !atomic_compare_exchange_weak_explicit(&e->value, &old, value,
		   memory_order_acq_rel, memory_order_acquire))
		;
}

bool
epoch_in_doubt(const struct epoch *e)
{
	return atomic_load(&e->doubts) != atomic_load(&e->settled);
}

void
epoch_doubt(struct epoch *e)
{
	atomic_fetch_add(&e->doubts, 1);
	log_event(LOG_WARN, EVENT_SESSION_CACHE_SUSPENDED);
}

/* Never decreases: another process may have settled more. */
static void
settle(struct epoch *e, int64_t doubts)
{
	int64_t old = atomic_load(&e->settled);

	while (old < doubts &&
	       !atomic_compare_exchange_weak(&e->settled, &old, doubts))
		;
}

struct renewal {
	int64_t least;
	int64_t epoch;
};

static enum err
renew_row(struct db *tx, struct arena *a, void *ctx)
{
	struct renewal *r = ctx;
	enum err e = epoch_lock(tx, a, /* alone= */ true);

	return e != ERR_OK ? e : epoch_raise_row(tx, a, r->least, &r->epoch);
}

enum err
epoch_renew(struct epoch *e, struct db *db, struct arena *a, int64_t *ret_epoch)
{
	/*
	 * Read the number of doubts first, so that a doubt that begins during
	 * the following statements is not counted as settled.
	 */
	int64_t doubts = atomic_load(&e->doubts);
	struct renewal r = { .least = epoch_get(e) + 1 };
	enum err failure = db_transact(db, a, renew_row, &r);

	if (failure != ERR_OK)
		return failure;
	epoch_raise(e, r.epoch);
	settle(e, doubts);
	*ret_epoch = r.epoch;
	return ERR_OK;
}

void
epoch_begin_revocation(struct epoch *e, int slot)
{
	if (slot >= 0)
		atomic_fetch_add(&e->under_way[slot], 1);
}

void
epoch_end_revocation(struct epoch *e, int slot)
{
	if (slot >= 0)
		atomic_fetch_sub(&e->under_way[slot], 1);
}

/*
 * In a rolling restart the predecessor is still alive: its revocations in
 * progress then cause a needless doubt, and their end makes the count negative,
 * which causes another doubt at the next start.
 */
void
epoch_take_over(struct epoch *e, int slot)
{
	if (slot >= 0 && atomic_exchange(&e->under_way[slot], 0) != 0)
		epoch_doubt(e);
}

static enum err
restore_row(struct db *tx, struct arena *a, void *ctx)
{
	const int64_t *least = ctx;
	enum err e = epoch_lock(tx, a, /* alone= */ true);

	return e != ERR_OK ? e : epoch_restore_row(tx, a, *least);
}

enum err
epoch_catch_up(struct epoch *e, struct db *db, struct arena *a)
{
	int64_t known = epoch_get(e), row;
	enum err failure = epoch_select(db, a, &row);

	if (failure != ERR_OK)
		return failure;
	epoch_raise(e, row);
	if (row >= known)
		return ERR_OK;
	log_event(LOG_WARN, EVENT_EPOCH_BEHIND, LOG_NUM("row", row),
	    LOG_NUM("known", known));
	return db_transact(db, a, restore_row, &known);
}

#include "wallet/ledger/ledger_check.h"

#include "base/arena.h"
#include "base/log.h"
#include "wallet/log_events.h"

/*
 * Logs the mismatches and records the result of a check. The caller ignores a
 * failure: the result is valid even if it cannot be recorded.
 */
static void
note(
    struct db *db, struct arena *a, const struct ledger_state *state, bool full)
{
	const struct ledger_mismatches *m = &state->mismatches;
	enum err e;

	for (int64_t i = 0; i < m->count; i++)
		log_event(LOG_ERROR, EVENT_LEDGER_CHECK_FAILED,
		    LOG_TEXT("kind", m->items[i].kind),
		    LOG_TEXT("id", m->items[i].id),
		    LOG_TEXT("detail", m->items[i].detail));
	e = ledger_note_check(db, a, m->count, full);
	(void)e;
}

enum err
ledger_check_new(
    struct db *db, struct arena *a, bool move, struct ledger_state *ret_state)
{
	enum err e = ledger_read_new(db, a, move, ret_state);

	if (e == ERR_OK)
		note(db, a, ret_state, /* full= */ false);
	return e;
}

enum err
ledger_check_all(struct db *db, struct arena *a, struct ledger_state *ret_state)
{
	enum err e = ledger_read_all(db, a, /* is_patient= */ false, ret_state);

	if (e == ERR_OK)
		note(db, a, ret_state, /* full= */ true);
	return e;
}

/*
 * Whether each transfer that moved money has exactly one entry for each of its
 * two sides, and there are no other entries.
 */
static bool
are_paired(const struct ledger_sides *s)
{
	return s->debits == s->transfers && s->credits == s->transfers &&
	       s->debit_hash == s->transfer_hash &&
	       s->credit_hash == s->transfer_hash;
}

typedef enum err (*read_slice)(struct db *db, struct arena *a,
    struct ledger_slice *slice, struct ledger_state *state);

static enum err
read_slices(struct db *db, struct arena *a, read_slice read,
    bool (*may_go_on)(void *ctx, const struct ledger_state *so_far), void *ctx,
    struct ledger_slice *slice, struct ledger_state *state)
{
	do {
		enum err e = read(db, a, slice, state);

		if (e != ERR_OK)
			return e;
		if (!may_go_on(ctx, state))
			return ERR_CONFLICT;
	} while (!slice->is_last);
	return ERR_OK;
}

enum err
ledger_check_slices(struct db *db, struct arena *a,
    bool (*may_go_on)(void *ctx, const struct ledger_state *so_far), void *ctx,
    struct ledger_state *ret_state)
{
	struct ledger_slice slice = {
		.account = "00000000-0000-0000-0000-000000000000",
		.transfer = "00000000-0000-0000-0000-000000000000",
		.seq = 1,
	};
	struct ledger_state state = { 0 };
	enum err e;

	e = ledger_read_bound(db, a, &slice.before);
	if (e == ERR_OK)
		e = read_slices(
		    db, a, ledger_read_entries, may_go_on, ctx, &slice, &state);
	if (e == ERR_OK)
		e = read_slices(db, a, ledger_read_transfers, may_go_on, ctx,
		    &slice, &state);
	if (e == ERR_OK)
		e = ledger_read_rest(db, a, &state);
	if (e == ERR_OK && state.mismatches.count == 0 &&
	    !are_paired(&slice.sides))
		e = ledger_read_all(db, a, /* is_patient= */ true, &state);
	if (e != ERR_OK)
		return e;
	note(db, a, &state, /* full= */ true);
	*ret_state = state;
	return ERR_OK;
}

/*
 * ledger_check_store: calls the functions that check the ledger: those of
 * sql/wallet/0017_ledger_check.sql, and ledger_check().
 */
#ifndef WALLET_LEDGER_CHECK_STORE_H
#define WALLET_LEDGER_CHECK_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/uuid.h"

struct arena;
struct db;

enum { LEDGER_MISMATCHES_MAX = 100 };

struct ledger_mismatch {
	const char *kind; /* what is wrong: "currency", "balance", ... */
	const char *id; /* id of the currency, account or transfer; or NULL */
	const char *detail; /* description for people */
};
struct ledger_mismatches {
	struct ledger_mismatch *items; /* at most LEDGER_MISMATCHES_MAX items */
	int64_t count;
};

/* The result of a check: what was read, and what is wrong. */
struct ledger_state {
	int64_t accounts;
	int64_t transfers;
	int64_t entries;
	/*
	 * The time of the checkpoints at which the check began; NULL:
	 * everything was checked.
	 */
	const char *since;
	struct ledger_mismatches mismatches;
};

/*
 * Checks what is new since the checkpoints. If `move` is true and the ledger is
 * consistent, the checkpoints are moved to the present.
 */
MUST_CHECK enum err ledger_read_new(
    struct db *db, struct arena *a, bool move, struct ledger_state *ret_state);
/*
 * Checks everything in one snapshot. The limit is an hour if `is_patient` is
 * true, otherwise 25 s.
 */
MUST_CHECK enum err ledger_read_all(struct db *db, struct arena *a,
    bool is_patient, struct ledger_state *ret_state);

/*
 * The numbers of debit entries, credit entries and transfers, and a hash over
 * the ids of each. The check compares them.
 */
struct ledger_sides {
	int64_t debits, credits, transfers;
	int64_t debit_hash, credit_hash, transfer_hash;
};
/* The position of a check that reads the ledger in slices. */
struct ledger_slice {
	/* only transfers that moved money before this time are checked */
	const char *before;
	char account[UUID_TEXT_SIZE];
	int64_t seq;
	int64_t running_minor;
	char transfer[UUID_TEXT_SIZE];
	struct ledger_sides sides;
	bool is_last; /* this slice is the last one */
};

/*
 * Returns the `before` of a check that begins now: only transfers that moved
 * money before that time are checked.
 */
MUST_CHECK enum err
ledger_read_bound(struct db *db, struct arena *a, const char **ret_before);
/*
 * These two functions check one slice each: they move *slice to the next one,
 * and add the result to *state.
 */
MUST_CHECK enum err ledger_read_entries(struct db *db, struct arena *a,
    struct ledger_slice *slice, struct ledger_state *state);
MUST_CHECK enum err ledger_read_transfers(struct db *db, struct arena *a,
    struct ledger_slice *slice, struct ledger_state *state);
/* Checks what no slice contains, and adds the result to *state. */
MUST_CHECK enum err
ledger_read_rest(struct db *db, struct arena *a, struct ledger_state *state);

/* Records the result of a check, which ledger_find_last_check() returns. */
MUST_CHECK enum err ledger_note_check(
    struct db *db, struct arena *a, int64_t nmismatches, bool full);

struct ledger_last_check {
	int64_t at_s;
	int64_t full_at_s; /* time of the last check of everything; 0: never */
	/*
	 * sum of the mismatches of the last full check and of the last check of
	 * any kind
	 */
	int64_t nmismatches;
};
/* ERR_NOT_FOUND: no check has been made yet. */
MUST_CHECK enum err ledger_find_last_check(
    struct db *db, struct arena *a, struct ledger_last_check *ret_last);

#endif

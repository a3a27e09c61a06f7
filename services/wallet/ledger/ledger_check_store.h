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
	const char *kind; /* currency, balance, running, held, ... */
	const char *id; /* of the currency, account or transfer; or NULL */
	const char *detail; /* for people */
};
struct ledger_mismatches {
	struct ledger_mismatch *items; /* at most the given maximum */
	int64_t count;
};

/* What was checked, and what is wrong. */
struct ledger_state {
	int64_t accounts;
	int64_t transfers;
	int64_t entries;
	const char
	    *since; /* since which checkpoints; NULL: everything was checked */
	struct ledger_mismatches mismatches;
};

/*
 * Checks what is new.  move: if it is consistent, the checkpoints move to now.
 */
MUST_CHECK enum err ledger_read_new(
    struct db *db, struct arena *a, bool move, struct ledger_state *ret_state);
/*
 * Checks everything in one snapshot.  is_patient: within an hour, otherwise
 * within 25 s.
 */
MUST_CHECK enum err ledger_read_all(struct db *db, struct arena *a,
    bool is_patient, struct ledger_state *ret_state);

/* How many entries are a side of a transfer, and their hashes. */
struct ledger_sides {
	int64_t debits, credits, transfers;
	int64_t debit_hash, credit_hash, transfer_hash;
};
/* The position of a check in slices. */
struct ledger_slice {
	const char *
	    before; /* only transfers that moved money before this time count */
	char account[UUID_TEXT_SIZE];
	int64_t seq;
	int64_t running_minor;
	char transfer[UUID_TEXT_SIZE];
	struct ledger_sides sides;
	bool is_last; /* this slice is the last one */
};

/* The time up to which transfers count in a check that begins now. */
MUST_CHECK enum err
ledger_read_bound(struct db *db, struct arena *a, const char **ret_before);
/* Check one slice each: move *slice, and add to *state. */
MUST_CHECK enum err ledger_read_entries(struct db *db, struct arena *a,
    struct ledger_slice *slice, struct ledger_state *state);
MUST_CHECK enum err ledger_read_transfers(struct db *db, struct arena *a,
    struct ledger_slice *slice, struct ledger_state *state);
/* Checks what no slice covers; adds to *state. */
MUST_CHECK enum err
ledger_read_rest(struct db *db, struct arena *a, struct ledger_state *state);

/* Records the result of a check, for ledger_find_last_check(). */
MUST_CHECK enum err ledger_note_check(
    struct db *db, struct arena *a, int64_t nmismatches, bool full);

struct ledger_last_check {
	int64_t at_s;
	int64_t full_at_s; /* 0: never */
	int64_t nmismatches; /* of the last full check and of the last check of
	                        any kind */
};
/* ERR_NOT_FOUND: no check was made yet. */
MUST_CHECK enum err ledger_find_last_check(
    struct db *db, struct arena *a, struct ledger_last_check *ret_last);

#endif

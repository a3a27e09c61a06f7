/*
 * transfer_store: the database functions for one transfer.
 *
 * Each returns a code when it has refused the operation, otherwise the
 * transfer. If `emitted` is not 0, the caller announces the enqueued jobs by
 * job_wake().
 */
#ifndef WALLET_TRANSFER_STORE_H
#define WALLET_TRANSFER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "wallet/transfer/transfer.h"
#include "web/schema.h"

struct arena;
struct db;
struct db_rows;
struct operation;

/* clang-format off */
/* The columns of a table or a row named t. */
#define TRANSFER_COLUMNS(t)                                                    \
	"(" t ").id, (" t ").kind, (" t ").status, (" t ").debit_account_id, " \
	"(" t ").credit_account_id, (" t ").amount, (" t ").currency, "        \
	"(" t ").memo, (" t ").metadata, " DB_TIME("(" t ").created_at") ", "  \
	"(" t ").user_id, (" t ").reason, "                                    \
	DB_TIME("(" t ").expires_at") ", " DB_TIME("(" t ").settled_at") ", "  \
	"(" t ").settled_by, (" t ").settled_reason, (" t ").captured_amount, " \
	"(" t ").reversed_amount, (" t ").reverses, (" t ").provider, "        \
	"(" t ").reference"
/* clang-format on */
/* Reads the columns from `first` on. */
struct transfer transfer_read(const struct db_rows *rows, int row, int first);

/* ERR_NOT_FOUND also when the transfer is not the actor's. */
MUST_CHECK enum err transfer_find(struct db *db, struct arena *a,
    const struct transfer_actor *who, const char *id,
    struct transfer *ret_transfer);

MUST_CHECK enum err transfer_make(struct db *db, struct arena *a,
    const struct transfer_actor *who, const struct operation *o,
    const struct transfer_order *order, struct transfer_answer *ret_answer);
/* Without an amount: captures all of the hold. */
MUST_CHECK enum err transfer_capture(struct db *db, struct arena *a,
    const struct transfer_actor *who, const struct operation *o, const char *id,
    struct opt_int64 amount, const char *reason,
    struct transfer_answer *ret_answer);
MUST_CHECK enum err transfer_release(struct db *db, struct arena *a,
    const struct transfer_actor *who, const char *id, const char *reason,
    struct transfer_answer *ret_answer);

struct transfer_reversal {
	struct opt_int64 amount; /* not set: all that is left */
	const char *memo;
	const char *reason;
};
/* The answer is the reversed transfer. */
MUST_CHECK enum err transfer_reverse(struct db *db, struct arena *a,
    const struct transfer_actor *who, const struct operation *o, const char *id,
    const struct transfer_reversal *in, struct transfer_answer *ret_answer);

struct transfer_external {
	const char *account_id;
	int64_t amount_minor;
	const char *provider;
	const char *reference;
	const char *memo;
	const char *reason;
};
/* kind: "deposit" or "withdrawal". */
MUST_CHECK enum err transfer_external(struct db *db, struct arena *a,
    const struct transfer_actor *who, const char *kind,
    const struct transfer_external *in, struct transfer_answer *ret_answer);

#endif

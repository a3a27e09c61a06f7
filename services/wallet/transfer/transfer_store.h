/*
 * transfer_store: calls the database functions for one transfer.
 *
 * Each function here returns an answer with a code when the operation was
 * refused, otherwise with the transfer. If the answer's `emitted` is not 0,
 * jobs were enqueued, and the caller must announce them by job_wake().
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
/* The columns of a transfer; t is the name of a table or a row. */
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
/*
 * Reads a transfer from the columns TRANSFER_COLUMNS, which begin at `first`.
 */
struct transfer transfer_read(const struct db_rows *rows, int row, int first);

/*
 * Finds a transfer. ERR_NOT_FOUND: there is none with that id, or the actor may
 * not see it.
 */
MUST_CHECK enum err transfer_find(struct db *db, struct arena *a,
    const struct transfer_actor *who, const char *id,
    struct transfer *ret_transfer);

MUST_CHECK enum err transfer_make(struct db *db, struct arena *a,
    const struct transfer_actor *who, const struct operation *o,
    const struct transfer_order *order, struct transfer_answer *ret_answer);
/* Captures a hold. If no amount is set, all of the hold is captured. */
MUST_CHECK enum err transfer_capture(struct db *db, struct arena *a,
    const struct transfer_actor *who, const struct operation *o, const char *id,
    struct opt_int64 amount, const char *reason,
    struct transfer_answer *ret_answer);
MUST_CHECK enum err transfer_release(struct db *db, struct arena *a,
    const struct transfer_actor *who, const char *id, const char *reason,
    struct transfer_answer *ret_answer);

struct transfer_reversal {
	struct opt_int64 amount; /* not set: all that is left to reverse */
	const char *memo;
	const char *reason;
};
/*
 * Reverses a transfer, wholly or in part. The answer is the reversed (original)
 * transfer.
 */
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
/* Makes a deposit or a withdrawal; `kind` is "deposit" or "withdrawal". */
MUST_CHECK enum err transfer_external(struct db *db, struct arena *a,
    const struct transfer_actor *who, const char *kind,
    const struct transfer_external *in, struct transfer_answer *ret_answer);

#endif

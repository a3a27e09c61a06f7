/*
 * transfer: money moves from one account to another, at once or as a hold that
 * is captured or released later; and reversals.
 *
 * The rules are functions in the database (sql/wallet/0013_ledger_order.sql):
 * one statement checks, moves the money, records the idempotency key and
 * enqueues the webhook events.
 */
#ifndef WALLET_TRANSFER_H
#define WALLET_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "web/schema.h"

enum {
	TRANSFER_MEMO_MAX = 500,
	TRANSFER_METADATA_MAX_BYTES = 4096,
	TRANSFER_HOLD_DEFAULT_S = 7 * 24 * 3600,
	TRANSFER_HOLD_MAX_S = 366 * 24 * 3600,
};

struct transfer {
	const char *id;
	/* "transfer", "deposit", "withdrawal" or "reversal" */
	const char *kind;
	const char *status;
	const char *debit_id;
	const char *credit_id;
	int64_t amount_minor;
	const char *currency;
	const char *memo;
	struct any_object metadata;
	const char *created_at;
	/* id of the user who requested the transfer; or NULL */
	const char *created_by;
	const char *reason; /* an operator's reason; or NULL */
	/* when a hold expires; NULL: the transfer is not a hold */
	const char *expires_at;
	/* when a hold was captured or released, or expired; or NULL */
	const char *settled_at;
	/* id of the user who captured or released the hold; NULL: it expired */
	const char *settled_by;
	/* the reason that this user gave; or NULL */
	const char *settled_reason;
	/* captured amount of a hold; not set: nothing was captured */
	struct opt_int64 captured;
	int64_t reversed_minor;
	/* id of the transfer that this one reverses; or NULL */
	const char *reverses;
	const char *provider;
	const char *reference;
	/*
	 * id of the reversal; only in the response to the request that made it
	 */
	const char *reversal_id;
};

/* A request to move money. */
struct transfer_order {
	const char *debit_id;
	const char *credit_id;
	int64_t amount_minor;
	const char *memo;
	struct any_object metadata;
	bool hold;
	int64_t expires_in_s; /* seconds until a hold expires; 0: the default */
};

/* The user who makes a request. */
struct transfer_actor {
	const char *user_id;
	bool is_operator;
	const char *origin; /* the text from operation_origin() */
};

struct transfer_answer {
	const char *code; /* error code; NULL: the request has succeeded */
	bool replayed;
	int64_t emitted;
	struct transfer transfer; /* valid if `code` is NULL */
};

extern const struct schema transfer_schema;

#endif

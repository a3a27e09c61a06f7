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
	const char *kind; /* transfer, deposit, withdrawal or reversal */
	const char *status;
	const char *debit_id;
	const char *credit_id;
	int64_t amount_minor;
	const char *currency;
	const char *memo;
	struct any_object metadata;
	const char *created_at;
	const char *created_by; /* the user who requested it; or NULL */
	const char *reason; /* an operator's reason; or NULL */
	const char *expires_at; /* of a hold; or NULL */
	const char *settled_at; /* of a hold that has ended; or NULL */
	const char *settled_by; /* the user who ended it; NULL: it expired */
	const char *settled_reason; /* the reason; or NULL */
	struct opt_int64 captured; /* not set: nothing was captured */
	int64_t reversed_minor;
	const char *reverses; /* of a reversal: the reversed transfer */
	const char *provider;
	const char *reference;
	const char *reversal_id; /* only in the response to a reversal */
};

/* A request to move money. */
struct transfer_order {
	const char *debit_id;
	const char *credit_id;
	int64_t amount_minor;
	const char *memo;
	struct any_object metadata;
	bool hold;
	int64_t expires_in_s; /* of a hold; 0: the default */
};

/* Who asks. */
struct transfer_actor {
	const char *user_id;
	bool is_operator;
	const char *origin; /* operation_origin() of the request */
};

struct transfer_answer {
	const char *code; /* NULL: done */
	bool replayed;
	int64_t emitted;
	struct transfer transfer; /* valid unless there is a code */
};

extern const struct schema transfer_schema;

#endif

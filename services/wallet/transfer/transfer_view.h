/*
 * transfer_view: schema rows, checks and responses shared by the routes for
 * transfers.
 */
#ifndef WALLET_TRANSFER_VIEW_H
#define WALLET_TRANSFER_VIEW_H

#include "base/attr.h"
#include "base/err.h"
#include "wallet/operation/operation.h"
#include "wallet/transfer/transfer.h"
#include "wallet/transfer/transfer_store.h"
#include "web/schema.h"
#include "web/service.h"

struct req;

extern const struct field transfer_fields[];
/*
 * Response headers of the routes that move money, for the OpenAPI description.
 */
extern const struct route_header transfer_headers[];

#define AMOUNT_DOC                                                           \
	"Minor units of the currency, 1 to 9007199254740991: 1050 is 10.50 " \
	"EUR. AMOUNT_OUT_OF_RANGE otherwise."

/* clang-format off */
/*
 * The schema rows for a struct transfer_order, which is the member `order` of
 * the struct T.
 */
#define TRANSFER_ORDER_FIELDS(T)                                               \
	{ FIELD(T, order.debit_id, "debitAccountId"), .required = true,        \
	  .format = FMT_UUID, .doc = "The user's account to debit." },         \
	{ FIELD(T, order.credit_id, "creditAccountId"), .required = true,      \
	  .format = FMT_UUID, .doc = "The account to credit." },               \
	{ FIELD(T, order.amount_minor, "amount"), .required = true,            \
	  .doc = AMOUNT_DOC },                                                 \
	{ FIELD(T, order.memo, "memo"), .nullable = true,                      \
	  .max = TRANSFER_MEMO_MAX, .doc = "Visible to both sides." },         \
	{ FIELD(T, order.metadata, "metadata"), .nullable = true,              \
	  .max = TRANSFER_METADATA_MAX_BYTES,                                  \
	  .doc = "Any object of at most 4096 bytes as compact JSON." },        \
	{ FIELD(T, order.hold, "hold"),                                        \
	  .doc = "Only reserve the amount." },                                 \
	{ FIELD(T, order.expires_in_s, "expiresInSeconds"),                    \
	  .min = 1, .max = TRANSFER_HOLD_MAX_S,                                \
	  .doc = "For a hold: seconds until it expires; the default is 604800." }
/* clang-format on */

/*
 * Makes the checks that schema rows cannot express; ERR_INVALID if one fails.
 * `prefix` is put before the names of fields in the error; it may be "".
 */
MUST_CHECK enum err transfer_order_check(
    struct req *r, const struct transfer_order *order, const char *prefix);
void
operation_add_order(struct operation *o, const struct transfer_order *order);

struct transfer_actor transfer_actor_of(struct req *r);
/* Removes from the transfer what the request's user may not see. */
void transfer_hide_actors(struct req *r, struct transfer *t);
/*
 * Writes the response, or the error that the answer contains; `out` is the
 * out_struct of the route.
 */
MUST_CHECK enum err transfer_reply(
    struct req *r, const struct transfer_answer *answer, struct transfer *out);

#endif

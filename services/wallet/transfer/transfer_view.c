#include "wallet/transfer/transfer_view.h"

#include "app/service_main.h"
#include "base/arena.h"
#include "base/str.h"
#include "job/job.h"
#include "wallet/ledger/ledger_code.h"
#include "web/identity.h"
#include "web/request.h"

static const char *const kinds[] = { "transfer", "deposit", "withdrawal",
	"reversal", NULL };
static const char *const statuses[] = { "posted", "held", "captured",
	"released", "expired", "reversed", NULL };

/* clang-format off */
const struct route_header transfer_headers[] = {
	{ "Idempotency-Replayed",
	  "true: this was done before, and is answered as it was then." },
	{ 0 },
};
const struct field transfer_fields[] = {
	{ FIELD(struct transfer, id, "id"), .required = true,
	  .format = FMT_UUID },
	{ FIELD(struct transfer, kind, "kind"), .required = true,
	  .one_of = kinds },
	{ FIELD(struct transfer, status, "status"), .required = true,
	  .one_of = statuses },
	{ FIELD(struct transfer, debit_id, "debitAccountId"),
	  .required = true, .format = FMT_UUID },
	{ FIELD(struct transfer, credit_id, "creditAccountId"),
	  .required = true, .format = FMT_UUID },
	{ FIELD(struct transfer, amount_minor, "amount"), .required = true,
	  .doc = "Minor units; for a hold, the reserved amount." },
	{ FIELD(struct transfer, currency, "currency"), .required = true },
	{ FIELD(struct transfer, memo, "memo"), .nullable = true },
	{ FIELD(struct transfer, metadata, "metadata"), .nullable = true },
	{ FIELD(struct transfer, created_at, "createdAt"), .required = true,
	  .format = FMT_DATE_TIME },
	{ FIELD(struct transfer, created_by, "createdBy"), .nullable = true,
	  .doc = "The user who requested it; null except for that user and "
	      "operators." },
	{ FIELD(struct transfer, reason, "reason"), .nullable = true,
	  .doc = "An operator's reason, if given; null except for operators." },
	{ FIELD(struct transfer, expires_at, "expiresAt"), .nullable = true,
	  .format = FMT_DATE_TIME, .doc = "For a hold: when it expires." },
	{ FIELD(struct transfer, settled_at, "settledAt"), .nullable = true,
	  .format = FMT_DATE_TIME,
	  .doc = "For a hold: when it was captured, released or expired." },
	{ FIELD(struct transfer, settled_by, "settledBy"), .nullable = true,
	  .doc = "The user who ended the hold; null except for that user and "
	    "operators, and if it expired." },
	{ FIELD(struct transfer, settled_reason, "settledReason"),
	  .nullable = true, .doc = "The reason; null except for that user and "
	    "operators." },
	{ FIELD(struct transfer, captured, "capturedAmount"), .nullable = true,
	  .doc = "For a hold: the captured amount." },
	{ FIELD(struct transfer, reversed_minor, "reversedAmount"),
	  .required = true, .doc = "The amount reversed so far." },
	{ FIELD(struct transfer, reverses, "reverses"), .nullable = true,
	  .format = FMT_UUID, .doc = "For a reversal: the reversed transfer." },
	{ FIELD(struct transfer, provider, "provider"), .nullable = true },
	{ FIELD(struct transfer, reference, "reference"), .nullable = true },
	{ FIELD(struct transfer, reversal_id, "reversalId"),
	  .format = FMT_UUID,
	  .doc = "In the response to a reversal: the id of the reversal." },
	{ 0 },
};
/* clang-format on */
const struct schema transfer_schema =
    SCHEMA_NAMED("Transfer", struct transfer, transfer_fields);

enum err
transfer_order_check(
    struct req *r, const struct transfer_order *order, const char *prefix)
{
	if (!order->hold && order->expires_in_s != 0)
		return req_invalid(r,
		    arena_printf(r->arena, "%sexpiresInSeconds", prefix),
		    "is of holds alone");
	return ERR_OK;
}

void
operation_add_order(struct operation *o, const struct transfer_order *order)
{
	operation_add_uuid(o, order->debit_id);
	operation_add_uuid(o, order->credit_id);
	operation_add_int(o, order->amount_minor);
	operation_add_text(o, order->memo);
	operation_add_json(o, order->metadata.value);
	operation_add_text(o, operation_bool(order->hold));
	operation_add_int(o, order->expires_in_s);
}

struct transfer_actor
transfer_actor_of(struct req *r)
{
	return (struct transfer_actor){
		.user_id = r->identity->user_id,
		.is_operator = operation_is_operators(r),
		.origin = operation_origin(r),
	};
}

/*
 * Removes user ids and reasons, except for operators and for the user who gave
 * them: the other party of the transfer may not be allowed to know a reason.
 */
void
transfer_hide_actors(struct req *r, struct transfer *t)
{
	const char *viewer = r->identity->user_id;

	if (operation_is_operators(r))
		return;
	if (!str_eq(t->created_by, viewer)) {
		t->created_by = NULL;
		t->reason = NULL;
	}
	if (!str_eq(t->settled_by, viewer)) {
		t->settled_by = NULL;
		t->settled_reason = NULL;
	}
}

enum err
transfer_reply(
    struct req *r, const struct transfer_answer *answer, struct transfer *out)
{
	struct service_process *wallet = r->app;

	if (answer->code != NULL)
		return ledger_refuse(r, answer->code);
	if (answer->replayed)
		req_add_header(r, "Idempotency-Replayed", "true");
	if (answer->emitted > 0)
		job_wake(wallet->db);
	*out = answer->transfer;
	transfer_hide_actors(r, out);
	return ERR_OK;
}

#include "wallet/transfer/transfer_routes.h"

#include "app/service_main.h"
#include "audit/audit.h"
#include "base/arena.h"
#include "wallet/ledger/ledger_code.h"
#include "wallet/operation/operation.h"
#include "wallet/transfer/transfer.h"
#include "wallet/transfer/transfer_batch_commit.h"
#include "wallet/transfer/transfer_store.h"
#include "wallet/transfer/transfer_view.h"

enum { PROVIDER_MAX = 100, REFERENCE_MAX = 255 };

struct make_in {
	const char *key;
	struct transfer_order order;
};
struct id_in {
	const char *id;
};
struct capture_in {
	const char *id;
	const char *key;
	struct opt_int64 amount;
	const char *reason;
};
struct release_in {
	const char *id;
	const char *reason;
};
struct reverse_in {
	const char *id;
	const char *key;
	struct transfer_reversal reversal;
};

/* clang-format off */
static const struct field make_fields[] = {
	{ OPERATION_KEY_FIELD(struct make_in, key) },
	TRANSFER_ORDER_FIELDS(struct make_in),
	{ 0 },
};
static const struct field id_fields[] = {
	{ FIELD(struct id_in, id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ 0 },
};
static const struct field capture_fields[] = {
	{ FIELD(struct capture_in, id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ OPERATION_KEY_FIELD(struct capture_in, key) },
	{ FIELD(struct capture_in, amount, "amount"), .nullable = true,
	  .doc = "The amount to capture; the default is the whole hold. The "
	    "rest is available to the payer again." },
	{ OPERATION_REASON_FIELD(struct capture_in, reason) },
	{ 0 },
};
static const struct field release_fields[] = {
	{ FIELD(struct release_in, id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ OPERATION_REASON_FIELD(struct release_in, reason) },
	{ 0 },
};
static const struct field reverse_fields[] = {
	{ FIELD(struct reverse_in, id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ OPERATION_KEY_FIELD(struct reverse_in, key) },
	{ FIELD(struct reverse_in, reversal.amount, "amount"),
	  .nullable = true,
	  .doc = "The amount to reverse; the default is all that is left." },
	{ FIELD(struct reverse_in, reversal.memo, "memo"), .nullable = true,
	  .max = TRANSFER_MEMO_MAX },
	{ OPERATION_REASON_FIELD(struct reverse_in, reversal.reason) },
	{ 0 },
};
static const struct field external_fields[] = {
	{ FIELD(struct transfer_external, account_id, "accountId"),
	  .required = true, .format = FMT_UUID },
	{ FIELD(struct transfer_external, amount_minor, "amount"),
	  .required = true, .doc = AMOUNT_DOC },
	{ FIELD(struct transfer_external, provider, "provider"),
	  .required = true, .min = 1, .max = PROVIDER_MAX,
	  .doc = "The provider that moves the money outside of Kedge." },
	{ FIELD(struct transfer_external, reference, "reference"),
	  .required = true, .min = 1, .max = REFERENCE_MAX,
	  .doc = "The provider's reference: a repetition gets the first "
	    "response again, with Idempotency-Replayed: true." },
	{ FIELD(struct transfer_external, memo, "memo"), .nullable = true,
	  .max = TRANSFER_MEMO_MAX },
	{ OPERATION_REASON_FIELD(struct transfer_external, reason) },
	{ 0 },
};
/* clang-format on */

static struct db *
db_of(const struct req *r)
{
	return ((struct service_process *)r->app)->db;
}

static enum err
transfers_make(struct req *r, const void *in_struct, void *out_struct)
{
	const struct make_in *in = in_struct;
	struct transfer_actor who = transfer_actor_of(r);
	struct transfer_answer answer;
	struct operation o;
	enum err e;

	e = operation_begin_request(&o, r, "transfer", in->key);
	if (e != ERR_OK)
		return e;
	e = transfer_order_check(r, &in->order, "");
	if (e != ERR_OK)
		return e;
	operation_add_order(&o, &in->order);
	operation_end(&o);
	e = transfer_batch_commit_make(
	    db_of(r), r->arena, &who, &o, &in->order, &answer);
	if (e != ERR_OK)
		return e;
	return transfer_reply(r, &answer, out_struct);
}

static enum err
transfers_get(struct req *r, const void *in_struct, void *out_struct)
{
	const struct id_in *in = in_struct;
	struct transfer_actor who = transfer_actor_of(r);
	enum err e;

	e = transfer_find(db_of(r), r->arena, &who, in->id, out_struct);
	if (e == ERR_NOT_FOUND)
		return ledger_refuse(r, "TRANSFER_NOT_FOUND");
	if (e == ERR_OK)
		transfer_hide_actors(r, out_struct);
	return e;
}

static void
add_amount(struct operation *o, struct opt_int64 amount)
{
	if (amount.set)
		operation_add_int(o, amount.value);
	else
		operation_add_text(o, NULL);
}

static enum err
transfers_capture(struct req *r, const void *in_struct, void *out_struct)
{
	const struct capture_in *in = in_struct;
	struct transfer_actor who = transfer_actor_of(r);
	struct transfer_answer answer;
	struct operation o;
	enum err e;

	e = operation_begin_request(&o, r, "capture", in->key);
	if (e != ERR_OK)
		return e;
	operation_add_uuid(&o, in->id);
	add_amount(&o, in->amount);
	operation_add_reason(&o, in->reason);
	operation_end(&o);
	e = transfer_capture(db_of(r), r->arena, &who, &o, in->id, in->amount,
	    in->reason, &answer);
	if (e != ERR_OK)
		return e;
	return transfer_reply(r, &answer, out_struct);
}

static enum err
transfers_release(struct req *r, const void *in_struct, void *out_struct)
{
	const struct release_in *in = in_struct;
	struct transfer_actor who = transfer_actor_of(r);
	struct transfer_answer answer;
	enum err e;

	e = transfer_release(
	    db_of(r), r->arena, &who, in->id, in->reason, &answer);
	if (e != ERR_OK)
		return e;
	return transfer_reply(r, &answer, out_struct);
}

/* -- acts of operators, with their rows in the audit log -- */

struct move {
	struct audit_act act;
	const struct transfer_actor *who;
	const struct operation *o;
	const char *id; /* of the transfer to reverse */
	const struct transfer_reversal *reversal;
	const char *kind; /* of an external move */
	const struct transfer_external *external;
	struct transfer_answer answer;
};

static enum err
run_move(struct db *tx, struct arena *a, void *ctx)
{
	struct move *m = ctx;
	const struct transfer *t = &m->answer.transfer;
	enum err e = m->external != NULL ? transfer_external(tx, a, m->who,
					       m->kind, m->external, &m->answer)
	                                 : transfer_reverse(tx, a, m->who, m->o,
					       m->id, m->reversal, &m->answer);

	if (e != ERR_OK)
		return e;
	if (m->answer.code != NULL || m->answer.replayed) {
		m->act.action = NULL; /* nothing was done */
		return ERR_OK;
	}
	m->act.object_id = t->id;
	m->act.after = audit_object(
	    a, (const struct audit_value[]){
		   { "debitAccountId", t->debit_id },
		   { "creditAccountId", t->credit_id },
		   { "amount", arena_i64(a, t->amount_minor) },
		   { "currency", t->currency },
		   { "reversedAmount", arena_i64(a, t->reversed_minor) },
		   { "provider", t->provider },
		   { "reference", t->reference },
		   { "reason", m->external != NULL ? m->external->reason
						   : m->reversal->reason },
		   { NULL, NULL },
	       });
	return ERR_OK;
}

static enum err
move_audited(struct req *r, struct move *m, struct transfer *out)
{
	const struct audit_who who = audit_who_of(r);
	enum err e = audit_do(db_of(r), r->arena, &who, &m->act, run_move, m);

	return e == ERR_OK ? transfer_reply(r, &m->answer, out) : e;
}

static enum err
transfers_reverse(struct req *r, const void *in_struct, void *out_struct)
{
	const struct reverse_in *in = in_struct;
	struct transfer_actor who = transfer_actor_of(r);
	struct operation o;
	struct move m = {
		.act = { .action = "transfer.reverse",
		    .object_kind = "transfer" },
		.who = &who,
		.o = &o,
		.id = in->id,
		.reversal = &in->reversal,
	};
	enum err e;

	e = operation_begin_request(&o, r, "reverse", in->key);
	if (e != ERR_OK)
		return e;
	operation_add_uuid(&o, in->id);
	add_amount(&o, in->reversal.amount);
	operation_add_text(&o, in->reversal.memo);
	operation_add_reason(&o, in->reversal.reason);
	operation_end(&o);
	return move_audited(r, &m, out_struct);
}

static enum err
move_external(struct req *r, const char *kind,
    const struct transfer_external *in, struct transfer *out)
{
	struct transfer_actor who = transfer_actor_of(r);
	struct move m = {
		.act = { .action = arena_printf(r->arena, "transfer.%s", kind),
		    .object_kind = "transfer" },
		.who = &who,
		.kind = kind,
		.external = in,
	};

	return move_audited(r, &m, out);
}

static enum err
deposits_make(struct req *r, const void *in_struct, void *out_struct)
{
	return move_external(r, "deposit", in_struct, out_struct);
}

static enum err
withdrawals_make(struct req *r, const void *in_struct, void *out_struct)
{
	return move_external(r, "withdrawal", in_struct, out_struct);
}

/* clang-format off */
#define REFUSALS                                                             \
	(BIT(ERR_INVALID) | BIT(ERR_FORBIDDEN) | BIT(ERR_NOT_FOUND) |        \
	 BIT(ERR_CONFLICT) | BIT(ERR_UNPROCESSABLE) | BIT(ERR_RATE_LIMITED))
#define OUT SCHEMA_NAMED("Transfer", struct transfer, transfer_fields)
#define REPLAYED .headers = transfer_headers

const struct route transfer_routes[] = {
	{ "POST", "/transfers", transfers_make,
	  .summary = "Move money from one's own account, or reserve it",
	  .in = { .name = "TransferMake", .size = sizeof(struct make_in),
	    .fields = make_fields, .refuse_unknown = true },
	  .out = OUT, .status = 201, .errors = REFUSALS, REPLAYED },
	{ "GET", "/transfers/{id}", transfers_get,
	  .summary = "One transfer from or to the user",
	  .in = SCHEMA(struct id_in, id_fields), .out = OUT,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) },
	{ "POST", "/transfers/{id}/capture", transfers_capture,
	  .summary = "Capture a hold, or a part of it",
	  .in = { .name = "TransferCapture", .size = sizeof(struct capture_in),
	    .fields = capture_fields, .refuse_unknown = true },
	  .out = OUT, .body_optional = true, .errors = REFUSALS, REPLAYED },
	{ "POST", "/transfers/{id}/release", transfers_release,
	  .summary = "Release a hold",
	  .in = { .name = "TransferRelease", .size = sizeof(struct release_in),
	    .fields = release_fields, .refuse_unknown = true },
	  /* A hold is released once. */
	  .idempotent = true,
	  .out = OUT, .body_optional = true, .errors = REFUSALS, REPLAYED },
	{ "POST", "/transfers/{id}/reverse", transfers_reverse,
	  .summary = "Reverse a transfer, or a part of it",
	  .role = "operator",
	  .in = { .name = "TransferReverse", .size = sizeof(struct reverse_in),
	    .fields = reverse_fields, .refuse_unknown = true },
	  .out = OUT, .body_optional = true, .errors = REFUSALS, REPLAYED },
	{ "POST", "/deposits", deposits_make,
	  .summary = "Record a deposit from outside",
	  .role = "operator",
	  .in = { .name = "ExternalMove",
	    .size = sizeof(struct transfer_external),
	    .fields = external_fields, .refuse_unknown = true },
	  /* The provider's reference makes a repetition harmless. */
	  .idempotent = true,
	  .out = OUT, .status = 201, .errors = REFUSALS, REPLAYED },
	{ "POST", "/withdrawals", withdrawals_make,
	  .summary = "Record a withdrawal to the outside",
	  .role = "operator",
	  .in = { .name = "ExternalMove",
	    .size = sizeof(struct transfer_external),
	    .fields = external_fields, .refuse_unknown = true },
	  /* The provider's reference makes a repetition harmless. */
	  .idempotent = true,
	  .out = OUT, .status = 201, .errors = REFUSALS, REPLAYED },
	{ 0 },
};
/* clang-format on */

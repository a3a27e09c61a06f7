#include "wallet/ledger/ledger_routes.h"

#include "app/service_main.h"
#include "wallet/ledger/ledger_check.h"

struct check_in {
	bool full;
};
struct check_out {
	bool ok;
	bool full;
	const char *since;
	int64_t accounts;
	int64_t transfers;
	int64_t entries;
	struct objects mismatches;
};

/* clang-format off */
static const struct field mismatch_fields[] = {
	{ FIELD(struct ledger_mismatch, kind, "kind"), .required = true,
	  .doc = "currency, balance, running, held, transfer, reversal or "
	    "checkpoint." },
	{ FIELD(struct ledger_mismatch, id, "id"), .nullable = true,
	  .doc = "The id of the currency, account or transfer." },
	{ FIELD(struct ledger_mismatch, detail, "detail"), .nullable = true,
	  .doc = "A description for people." },
	{ 0 },
};
static const struct schema mismatch_schema =
	SCHEMA_NAMED("Mismatch", struct ledger_mismatch, mismatch_fields);
static const struct field in_fields[] = {
	{ FIELD(struct check_in, full, "full"), .from = FROM_QUERY,
	  .doc = "true: check everything in one snapshot; otherwise check what "
	    "is new since the checkpoints moved." },
	{ 0 },
};
static const struct field check_fields[] = {
	{ FIELD(struct check_out, ok, "ok"), .required = true },
	{ FIELD(struct check_out, full, "full"), .required = true },
	{ FIELD(struct check_out, since, "since"), .required = true,
	  .nullable = true, .format = FMT_DATE_TIME,
	  .doc = "When the checkpoints moved; null: everything was checked." },
	{ FIELD(struct check_out, accounts, "accounts"), .required = true,
	  .doc = "The number of accounts that were checked; transfers and "
	      "entries likewise." },
	{ FIELD(struct check_out, transfers, "transfers"), .required = true },
	{ FIELD(struct check_out, entries, "entries"), .required = true },
	{ FIELD(struct check_out, mismatches, "mismatches"), .required = true,
	  .of = &mismatch_schema, .doc = "The first 100 mismatches." },
	{ 0 },
};
/* clang-format on */

static enum err
check(struct req *r, const void *in_struct, void *out_struct)
{
	struct service_process *wallet = r->app;
	const struct check_in *in = in_struct;
	struct check_out *out = out_struct;
	struct ledger_state state;
	enum err e;

	if (in->full)
		e = ledger_check_all(wallet->db, r->arena, &state);
	else
		e = ledger_check_new(
		    wallet->db, r->arena, /* move= */ false, &state);
	if (e != ERR_OK)
		return e;
	*out = (struct check_out){
		.ok = state.mismatches.count == 0,
		.full = in->full,
		.since = state.since,
		.accounts = state.accounts,
		.transfers = state.transfers,
		.entries = state.entries,
		.mismatches = { state.mismatches.items,
		    (size_t)state.mismatches.count },
	};
	return ERR_OK;
}

/* clang-format off */
const struct route ledger_routes[] = {
	{ "GET", "/ledger/check", check,
	  .summary = "Check that the ledger is consistent",
	  .role = "operator",
	  .in = SCHEMA(struct check_in, in_fields),
	  .out = SCHEMA_NAMED("LedgerCheck", struct check_out, check_fields),
	  .errors = BIT(ERR_INVALID) | BIT(ERR_FORBIDDEN) },
	{ 0 },
};
/* clang-format on */

#include "wallet/ledger/ledger_routes.h"

#include "http/service_main.h"
#include "wallet/ledger/ledger_store.h"

struct check_out {
	bool ok;
	int64_t accounts;
	int64_t transfers;
	int64_t entries;
	struct objects mismatches;
};

/* clang-format off */
static const struct field mismatch_fields[] = {
	{ FIELD(struct ledger_mismatch, kind, "kind"), .required = true,
	  .doc = "currency, balance, running, held, transfer or reversal." },
	{ FIELD(struct ledger_mismatch, id, "id"), .nullable = true,
	  .doc = "Of the currency, account or transfer." },
	{ FIELD(struct ledger_mismatch, detail, "detail"), .nullable = true,
	  .doc = "For people." },
	{ 0 },
};
static const struct schema mismatch_schema =
	SCHEMA_NAMED("Mismatch", struct ledger_mismatch, mismatch_fields);
static const struct field check_fields[] = {
	{ FIELD(struct check_out, ok, "ok"), .required = true },
	{ FIELD(struct check_out, accounts, "accounts"), .required = true },
	{ FIELD(struct check_out, transfers, "transfers"), .required = true },
	{ FIELD(struct check_out, entries, "entries"), .required = true },
	{ FIELD(struct check_out, mismatches, "mismatches"), .required = true,
	  .of = &mismatch_schema, .doc = "At most 100." },
	{ 0 },
};
/* clang-format on */

static enum err
check(struct req *r, const void *in_struct UNUSED, void *out_struct)
{
	struct service_process *wallet = r->app;
	struct check_out *out = out_struct;
	struct ledger_state state;
	enum err e;

	e = ledger_check(wallet->db, r->arena, &state);
	if (e != ERR_OK)
		return e;
	*out = (struct check_out){
		.ok = state.nmismatches == 0,
		.accounts = state.accounts,
		.transfers = state.transfers,
		.entries = state.entries,
		.mismatches = { state.mismatches, (size_t)state.nmismatches },
	};
	return ERR_OK;
}

/* clang-format off */
const struct route ledger_routes[] = {
	{ "GET", "/ledger/check", check,
	  .summary = "Whether the books are right",
	  .role = "operator",
	  .out = SCHEMA_NAMED("LedgerCheck", struct check_out, check_fields),
	  .errors = BIT(ERR_FORBIDDEN) },
	{ 0 },
};
/* clang-format on */

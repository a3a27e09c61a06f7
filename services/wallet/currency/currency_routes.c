#include "wallet/currency/currency_routes.h"

#include "app/service_main.h"
#include "audit/audit.h"
#include "base/arena.h"
#include "job/job.h"
#include "wallet/currency/currency_store.h"
#include "wallet/ledger/ledger_code.h"
#include "wallet/operation/operation.h"
#include "web/identity.h"

enum { CODE_MIN = 3, CODE_MAX = 12, EXPONENT_MAX = 18 };

struct list_out {
	struct objects items;
	const char *next_cursor; /* NULL: this is the last page */
};

/* clang-format off */
static const struct field add_fields[] = {
	{ FIELD(struct currency, code, "code"), .required = true,
	  .min = CODE_MIN, .max = CODE_MAX,
	  .doc = "A capital letter, then capital letters and digits." },
	{ FIELD(struct currency, exponent, "exponent"), .required = true,
	  .min = 0, .max = EXPONENT_MAX,
	  .doc = "Number of decimal places, from 0; it cannot be changed "
	    "later. With more than 9, an account could hold less than a "
	    "million: EXPONENT_TOO_LARGE." },
	{ OPERATION_REASON_FIELD(struct currency, reason) },
	{ 0 },
};
static const struct field currency_fields[] = {
	{ FIELD(struct currency, code, "code"), .required = true },
	{ FIELD(struct currency, exponent, "exponent"), .required = true,
	  .doc = "Number of decimal places: 2 for USD." },
	{ FIELD(struct currency, iso, "iso"), .required = true,
	  .doc = "Whether it is a currency of ISO 4217; the others were added "
	    "by operators." },
	{ FIELD(struct currency, created_at, "createdAt"), .nullable = true,
	  .format = FMT_DATE_TIME, .doc = "When an operator added the "
	    "currency." },
	{ FIELD(struct currency, created_by, "createdBy"), .nullable = true,
	  .doc = "The operator who added it; null except for operators." },
	{ FIELD(struct currency, reason, "reason"), .nullable = true,
	  .doc = "The reason; null except for operators." },
	{ 0 },
};
static const struct schema currency_schema =
	SCHEMA_NAMED("Currency", struct currency, currency_fields);
static const struct field list_fields[] = {
	{ FIELD(struct list_out, items, "items"), .required = true,
	  .of = &currency_schema, .doc = "Sorted by code." },
	{ FIELD(struct list_out, next_cursor, "nextCursor"), .required = true,
	  .nullable = true, .doc = "Always null: the list is whole." },
	{ 0 },
};
/* clang-format on */

static const struct currency *
hide_operators(struct req *r, const struct currency *all, int64_t count)
{
	struct currency *copy;

	if (operation_is_operators(r) || count == 0)
		return all;
	copy = arena_alloc(r->arena, (size_t)count * sizeof(*copy));
	for (int64_t i = 0; i < count; i++) {
		copy[i] = all[i];
		copy[i].created_by = NULL;
		copy[i].reason = NULL;
	}
	return copy;
}

static enum err
currencies_list(struct req *r, const void *in_struct UNUSED, void *out_struct)
{
	struct service_process *wallet = r->app;
	struct list_out *out = out_struct;
	const struct currency *all;
	int64_t count;
	enum err e;

	e = currency_find_all(wallet->db, r->arena, &all, &count);
	if (e == ERR_OK)
		out->items = (struct objects){ hide_operators(r, all, count),
			(size_t)count };
	return e;
}

struct adding {
	struct audit_act act;
	struct currency *currency;
	const char *origin;
	int64_t emitted;
	const char *code;
};

static enum err
run_add(struct db *tx, struct arena *a, void *ctx)
{
	struct adding *add = ctx;
	struct currency *c = add->currency;
	enum err e =
	    currency_insert(tx, a, c, add->origin, &add->emitted, &add->code);

	if (e != ERR_OK)
		return e;
	if (add->code != NULL)
		add->act.action = NULL;
	add->act.after =
	    audit_object(a, (const struct audit_value[]){
				{ "exponent", arena_i64(a, c->exponent) },
				{ "reason", c->reason },
				{ NULL, NULL },
			    });
	return ERR_OK;
}

static enum err
currencies_add(struct req *r, const void *in_struct, void *out_struct)
{
	struct service_process *wallet = r->app;
	struct currency *currency = out_struct;
	const struct audit_who who = audit_who_of(r);
	struct adding add = {
		.act = { .action = "currency.add", .object_kind = "currency" },
		.currency = currency,
		.origin = operation_origin(r),
	};
	enum err e;

	*currency = *(const struct currency *)in_struct;
	currency->created_by = r->identity->user_id;
	add.act.object_id = currency->code;
	e = audit_do(wallet->db, r->arena, &who, &add.act, run_add, &add);
	if (e == ERR_UNPROCESSABLE)
		return req_invalid(
		    r, "code", "must be a capital, then capitals and digits");
	if (e != ERR_OK)
		return e;
	if (add.code != NULL)
		return ledger_refuse(r, add.code);
	if (add.emitted > 0)
		job_wake(wallet->db);
	return ERR_OK;
}

/* clang-format off */
const struct route currency_routes[] = {
	{ "GET", "/currencies", currencies_list,
	  .summary = "The currencies that accounts can be in",
	  .out = SCHEMA_NAMED("CurrencyList", struct list_out, list_fields) },
	{ "POST", "/currencies", currencies_add,
	  .summary = "Add a currency",
	  .role = "operator",
	  .in = { .name = "CurrencyAdd", .size = sizeof(struct currency),
	    .fields = add_fields, .refuse_unknown = true },
	  .out = SCHEMA_NAMED("Currency", struct currency, currency_fields),
	  .status = 201,
	  .idempotent = true,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_FORBIDDEN) |
	    BIT(ERR_CONFLICT) | BIT(ERR_UNPROCESSABLE) |
	    BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */

#include "wallet/account/account_routes.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wallet/account/account.h"
#include "wallet/account/account_store.h"
#include "wallet/ledger/ledger_code.h"
#include "wallet/operation/operation.h"
#include "wallet/wallet.h"
#include "web/cursor.h"
#include "web/idempotency.h"
#include "web/page.h"

enum { PAGE_MAX = 100, NAME_MAX_CHARS = 100, USER_ID_MAX = 255 };
#define PAGE_DEFAULT "50"

struct account_key {
	const char *id;
};
struct freeze_in {
	const char *id;
	const char *reason;
};
struct open_in {
	const char *name;
	const char *currency;
	const char *key;
};
struct list_in {
	int64_t limit;
	const char *cursor;
	const char *kind;
	const char *user_id;
};
struct list_out {
	struct objects items;
	const char *next_cursor;
};

static const char *const owner_kinds[] = { "user", "system", NULL };

/* clang-format off */
static const struct field open_fields[] = {
	{ FIELD(struct open_in, name, "name"), .required = true,
	  .min = 1, .max = NAME_MAX_CHARS },
	{ FIELD(struct open_in, currency, "currency"), .required = true,
	  .doc = "A code of GET /currencies." },
	{ IDEMPOTENCY_KEY_FIELD(struct open_in, key) },
	{ 0 },
};
static const struct field key_fields[] = {
	{ FIELD(struct account_key, id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ 0 },
};
static const struct field freeze_fields[] = {
	{ FIELD(struct freeze_in, id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ OPERATION_REASON_FIELD(struct freeze_in, reason) },
	{ 0 },
};
static const struct field list_fields[] = {
	{ FIELD(struct list_in, limit, "limit"), .from = FROM_QUERY,
	  .min = 1, .max = PAGE_MAX, .fallback = PAGE_DEFAULT },
	{ FIELD(struct list_in, cursor, "cursor"), .from = FROM_QUERY,
	  .max = CURSOR_TEXT_MAX, .doc = "nextCursor of the page before." },
	{ FIELD(struct list_in, kind, "kind"), .from = FROM_QUERY,
	  .one_of = owner_kinds, .fallback = "user",
	  .doc = "For operators: system lists the accounts on the other side "
	    "of deposits and withdrawals." },
	{ FIELD(struct list_in, user_id, "userId"), .from = FROM_QUERY,
	  .min = 1, .max = USER_ID_MAX,
	  .doc = "For operators: the accounts of another user." },
	{ 0 },
};
static const struct field account_fields[] = {
	{ FIELD(struct account, id, "id"), .required = true,
	  .format = FMT_UUID },
	{ FIELD(struct account, name, "name"), .required = true },
	{ FIELD(struct account, currency, "currency"), .required = true,
	  .doc = "ISO 4217 code, or one added by an operator." },
	{ FIELD(struct account, balance_minor, "balance"), .required = true,
	  .doc = "Minor units of the currency: 1050 is 10.50 EUR." },
	{ FIELD(struct account, held_minor, "held"), .required = true,
	  .doc = "The part of the balance that is reserved by holds." },
	{ FIELD(struct account, available_minor, "available"),
	  .required = true, .doc = "balance minus held." },
	{ FIELD(struct account, frozen, "frozen"), .required = true,
	  .doc = "No money can be moved, but holds can be released." },
	{ FIELD(struct account, freeze_changed_at, "freezeChangedAt"),
	  .nullable = true, .format = FMT_DATE_TIME,
	  .doc = "When it was last frozen or unfrozen." },
	{ FIELD(struct account, freeze_changed_by, "freezeChangedBy"),
	  .nullable = true, .doc = "The user who did it; null except for "
	    "operators." },
	{ FIELD(struct account, freeze_reason, "freezeReason"),
	  .nullable = true, .doc = "The reason; null except for operators." },
	{ FIELD(struct account, created_at, "createdAt"), .required = true,
	  .format = FMT_DATE_TIME },
	{ 0 },
};
static const struct schema account_schema =
	SCHEMA_NAMED("Account", struct account, account_fields);
static const struct field page_fields[] = {
	{ FIELD(struct list_out, items, "items"), .required = true,
	  .of = &account_schema, .doc = "Oldest first." },
	{ FIELD(struct list_out, next_cursor, "nextCursor"), .required = true,
	  .nullable = true, .doc = "null on the last page." },
	{ 0 },
};
/* clang-format on */

static const char *
default_currency(const struct service_process *wallet)
{
	/* The program's config is a struct wallet_config: see main.c. */
	return ((const struct wallet_config *)wallet->config)->currency;
}

enum err
account_create(struct req *r)
{
	struct service_process *wallet = r->app;

	return account_ensure(wallet->db, r->arena, r->identity->user_id,
	    default_currency(wallet), operation_origin(r));
}

bool
account_ready(void *app, struct buf *members)
{
	struct service_process *wallet = app;
	bool has = false;

	if (!service_ready(app, members) ||
	    account_has_currency(wallet->db, members->arena,
		default_currency(wallet), &has) != ERR_OK)
		return false;
	buf_puts(members,
	    has ? ",\"currency\":\"ok\""
		: ",\"currency\":\"WALLET_CURRENCY is not in table currency\"");
	return has;
}

/*
 * Removes who froze an account and why, unless the user is an operator: the
 * account's owner may not be allowed to know the reason.
 */
static void
hide_operator(struct req *r, struct account *account)
{
	if (operation_is_operators(r))
		return;
	account->freeze_changed_by = NULL;
	account->freeze_reason = NULL;
}

static const struct account *
hide_operators(struct req *r, const struct account *accounts, int64_t count)
{
	struct account *copy;

	if (operation_is_operators(r) || count == 0)
		return accounts;
	copy = arena_alloc(r->arena, (size_t)count * sizeof(*copy));
	for (int64_t i = 0; i < count; i++) {
		copy[i] = accounts[i];
		hide_operator(r, &copy[i]);
	}
	return copy;
}

/*
 * Returns the scope of a cursor: the cursor is valid only for the list of this
 * owner's accounts.
 */
static const char *
list_scope(struct req *r, const struct account_owner *owner)
{
	if (owner->user_id == NULL)
		return "accounts 2 system";
	return arena_printf(r->arena, "accounts 1 %s", owner->user_id);
}

/*
 * Finds out whose accounts to list: the user's own, unless an operator asks for
 * those of another user or of the system.
 */
static enum err
read_owner(
    struct req *r, const struct list_in *in, struct account_owner *ret_owner)
{
	bool is_system = str_eq(in->kind, "system");

	if ((is_system || in->user_id != NULL) && !operation_is_operators(r))
		return ERR_FORBIDDEN;
	if (is_system && in->user_id != NULL)
		return req_invalid(
		    r, "userId", "is allowed with kind=user only");
	*ret_owner = (struct account_owner){ 0 };
	if (!is_system)
		ret_owner->user_id =
		    in->user_id != NULL ? in->user_id : r->identity->user_id;
	return ERR_OK;
}

static enum err
find_page(struct req *r, const struct account_owner *owner,
    const struct account_page *page, const struct account **ret_accounts,
    int64_t *ret_count)
{
	struct service_process *wallet = r->app;

	if (str_eq(owner->user_id, r->identity->user_id))
		return account_list(wallet->db, r->arena, owner->user_id,
		    default_currency(wallet), operation_origin(r), page,
		    ret_accounts, ret_count);
	return account_find_page(
	    wallet->db, r->arena, owner, page, ret_accounts, ret_count);
}

static const char *
account_position(struct arena *a UNUSED, const void *item)
{
	return ((const struct account *)item)->id;
}

static enum err
accounts_list(struct req *r, const void *in_struct, void *out_struct)
{
	const struct list_in *in = in_struct;
	struct list_out *out = out_struct;
	const struct account *accounts;
	struct account_owner owner = { 0 };
	/*
	 * Ask for one row more than the page has, to know whether there is a
	 * next page.
	 */
	struct account_page page = { .limit = in->limit + 1 };
	int64_t count;
	enum err e;

	e = read_owner(r, in, &owner);
	if (e != ERR_OK)
		return e;
	e = cursor_read_parameter(
	    r, list_scope(r, &owner), in->cursor, &page.after_id);
	if (e != ERR_OK)
		return e;
	e = find_page(r, &owner, &page, &accounts, &count);
	if (e != ERR_OK)
		return e;
	page_write(r,
	    &(struct page){
		.of = &account_schema,
		.items = hide_operators(r, accounts, count),
		.count = count,
		.limit = in->limit,
		.scope = list_scope(r, &owner),
		.position = account_position,
	    },
	    &out->items, &out->next_cursor);
	return ERR_OK;
}

enum err
account_get(struct req *r, const char *id, struct account *ret_account)
{
	struct service_process *wallet = r->app;
	const struct account_owner owner = {
		.user_id = r->identity->user_id,
		.any = operation_is_operators(r),
	};
	enum err e;

	e = account_find(wallet->db, r->arena, &owner, id, ret_account);
	if (e == ERR_OK)
		hide_operator(r, ret_account);
	return e == ERR_NOT_FOUND ? ledger_refuse(r, "ACCOUNT_NOT_FOUND") : e;
}

static enum err
accounts_get(struct req *r, const void *in_struct, void *out_struct)
{
	const struct account_key *in = in_struct;

	return account_get(r, in->id, out_struct);
}

static enum err
accounts_open(struct req *r, const void *in_struct, void *out_struct)
{
	struct service_process *wallet = r->app;
	const struct open_in *in = in_struct;
	struct account *account = out_struct;
	struct account_order order = {
		.name = in->name,
		.currency = in->currency,
		.origin = operation_origin(r),
	};
	struct idempotency idempotency;
	const char *code;
	bool replayed;
	enum err e;

	e = idempotency_read(r, in->key, &idempotency);
	if (e != ERR_OK)
		return e;
	order.key = idempotency.key;
	order.sha256_hex = idempotency.sha256_hex;
	e = account_open(wallet->db, r->arena, r->identity->user_id, &order,
	    account, &replayed, &code);
	if (e != ERR_OK)
		return e;
	if (code != NULL)
		return ledger_refuse(r, code);
	if (replayed)
		idempotency_note_replay(r);
	service_add_location(r, "/accounts", account->id);
	return ERR_OK;
}

static enum err
set_frozen(
    struct req *r, const struct freeze_in *in, bool frozen, struct account *out)
{
	struct service_process *wallet = r->app;
	const struct account_freeze by = {
		.user_id = r->identity->user_id,
		.reason = in->reason,
		.origin = operation_origin(r),
	};
	const struct audit_who who = audit_who_of(r);
	enum err e;

	e = account_set_frozen(wallet->db, r->arena, &who, in->id, frozen, &by);
	if (e == ERR_NOT_FOUND)
		return ledger_refuse(r, "ACCOUNT_NOT_FOUND");
	return e == ERR_OK ? account_get(r, in->id, out) : e;
}

static enum err
accounts_freeze(struct req *r, const void *in_struct, void *out_struct)
{
	return set_frozen(r, in_struct, /* frozen= */ true, out_struct);
}

static enum err
accounts_unfreeze(struct req *r, const void *in_struct, void *out_struct)
{
	return set_frozen(r, in_struct, /* frozen= */ false, out_struct);
}

/* clang-format off */
static const struct route_header opened_headers[] = {
	LOCATION_HEADER, IDEMPOTENCY_REPLAYED_HEADER, { 0 },
};
#define OUT SCHEMA_NAMED("Account", struct account, account_fields)

const struct route account_routes[] = {
	{ "GET", "/accounts", accounts_list,
	  .summary = "The accounts of the signed-in user",
	  .in = SCHEMA(struct list_in, list_fields),
	  .out = SCHEMA_NAMED("AccountPage", struct list_out, page_fields),
	  .errors = BIT(ERR_INVALID) | BIT(ERR_FORBIDDEN) },
	{ "POST", "/accounts", accounts_open,
	  .summary = "Open another account",
	  .in = { .name = "AccountOpen", .size = sizeof(struct open_in),
	    .fields = open_fields, .refuse_unknown = true },
	  .out = OUT, .status = 201,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_CONFLICT) |
	    BIT(ERR_UNPROCESSABLE) | BIT(ERR_RATE_LIMITED),
	  .headers = opened_headers },
	{ "GET", "/accounts/{id}", accounts_get,
	  .summary = "One account",
	  .in = SCHEMA(struct account_key, key_fields), .out = OUT,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) },
	{ "POST", "/accounts/{id}/freeze", accounts_freeze,
	  .summary = "Freeze an account",
	  .role = "operator",
	  .in = { .name = "AccountFreeze", .size = sizeof(struct freeze_in),
	    .fields = freeze_fields, .refuse_unknown = true },
	  .out = OUT, .body_optional = true,
	  .idempotent = true,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_FORBIDDEN) |
	    BIT(ERR_NOT_FOUND) | BIT(ERR_RATE_LIMITED) },
	{ "POST", "/accounts/{id}/unfreeze", accounts_unfreeze,
	  .summary = "Unfreeze an account",
	  .role = "operator",
	  .in = { .name = "AccountFreeze", .size = sizeof(struct freeze_in),
	    .fields = freeze_fields, .refuse_unknown = true },
	  .out = OUT, .body_optional = true,
	  .idempotent = true,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_FORBIDDEN) |
	    BIT(ERR_NOT_FOUND) | BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */

#include "wallet/account/account_routes.h"

#include "base/arena.h"
#include "base/buf.h"
#include "http/cursor.h"
#include "wallet/account/account.h"
#include "wallet/account/account_store.h"
#include "wallet/wallet.h"

enum { PAGE_MAX = 100 };
#define PAGE_DEFAULT "50"

struct account_key {
	const char *id;
};
struct list_in {
	int64_t limit;
	const char *cursor;
};
struct list_out {
	struct objects items;
	const char *next_cursor;
};

/* clang-format off */
static const struct field key_fields[] = {
	{ FIELD(struct account_key, id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ 0 },
};
static const struct field list_fields[] = {
	{ FIELD(struct list_in, limit, "limit"), .from = FROM_QUERY,
	  .min = 1, .max = PAGE_MAX, .fallback = PAGE_DEFAULT },
	{ FIELD(struct list_in, cursor, "cursor"), .from = FROM_QUERY,
	  .max = CURSOR_TEXT_MAX, .doc = "nextCursor of the page before." },
	{ 0 },
};
static const struct field account_fields[] = {
	{ FIELD(struct account, id, "id"), .required = true,
	  .format = FMT_UUID },
	{ FIELD(struct account, currency, "currency"), .required = true,
	  .doc = "ISO 4217 code." },
	{ FIELD(struct account, balance_minor, "balance"), .required = true,
	  .doc = "Minor units of the currency: 1050 is 10.50 EUR." },
	{ FIELD(struct account, held_minor, "held"), .required = true,
	  .doc = "The part of the balance that is promised to someone." },
	{ FIELD(struct account, available_minor, "available"),
	  .required = true, .doc = "balance without held." },
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
	    default_currency(wallet));
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

/* A cursor holds for this person's list alone. */
static const char *
list_scope(struct req *r)
{
	return arena_printf(r->arena, "accounts 1 %s", r->identity->user_id);
}

static enum err
read_page(
    struct req *r, const struct list_in *in, struct account_page *ret_page)
{
	struct service_process *wallet = r->app;
	/* One more than asked for: is there a next page? */
	struct account_page page = { .limit = in->limit + 1 };

	if (in->cursor != NULL && in->cursor[0] != '\0') {
		page.after_id = cursor_read(
		    r->arena, wallet->identity_key, list_scope(r), in->cursor);
		if (page.after_id == NULL)
			return req_invalid(
			    r, "cursor", "is not a nextCursor of this list");
	}
	*ret_page = page;
	return ERR_OK;
}

static enum err
accounts_list(struct req *r, const void *in_struct, void *out_struct)
{
	struct service_process *wallet = r->app;
	const struct list_in *in = in_struct;
	struct list_out *out = out_struct;
	const struct account *accounts;
	struct account_page page;
	int64_t count;
	enum err e;

	e = read_page(r, in, &page);
	if (e != ERR_OK)
		return e;
	e = account_list(wallet->db, r->arena, r->identity->user_id,
	    default_currency(wallet), &page, &accounts, &count);
	if (e != ERR_OK)
		return e;
	*out = (struct list_out){ 0 };
	if (count > in->limit) {
		count = in->limit;
		out->next_cursor = cursor_write(r->arena, wallet->identity_key,
		    list_scope(r), accounts[count - 1].id);
	}
	out->items = (struct objects){ accounts, (size_t)count };
	return ERR_OK;
}

static enum err
accounts_get(struct req *r, const void *in_struct, void *out_struct)
{
	struct service_process *wallet = r->app;
	const struct account_key *in = in_struct;

	return account_find(
	    wallet->db, r->arena, r->identity->user_id, in->id, out_struct);
}

/* clang-format off */
const struct route account_routes[] = {
	{ "GET", "/accounts", accounts_list,
	  .summary = "The accounts of the signed-in user",
	  .in = SCHEMA(struct list_in, list_fields),
	  .out = SCHEMA_NAMED("AccountPage", struct list_out, page_fields),
	  .errors = BIT(ERR_INVALID) },
	{ "GET", "/accounts/{id}", accounts_get,
	  .summary = "One account",
	  .in = SCHEMA(struct account_key, key_fields),
	  .out = SCHEMA_NAMED("Account", struct account, account_fields),
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) },
	{ 0 },
};
/* clang-format on */

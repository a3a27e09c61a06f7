#include "wallet/statement/statement_routes.h"

#include "app/service_main.h"
#include "base/arena.h"
#include "wallet/account/account.h"
#include "wallet/account/account_routes.h"
#include "wallet/statement/statement_store.h"
#include "web/cursor.h"
#include "web/page.h"

enum { PAGE_MAX = 100 };
#define PAGE_DEFAULT "24"

struct list_in {
	const char *id;
	int64_t limit;
	const char *cursor;
};
struct list_out {
	struct objects items;
	const char *next_cursor;
};

/* clang-format off */
static const struct field list_fields[] = {
	{ FIELD(struct list_in, id, "id"), .from = FROM_PATH,
	  .required = true, .format = FMT_UUID },
	{ FIELD(struct list_in, limit, "limit"), .from = FROM_QUERY,
	  .min = 1, .max = PAGE_MAX, .fallback = PAGE_DEFAULT },
	{ FIELD(struct list_in, cursor, "cursor"), .from = FROM_QUERY,
	  .max = CURSOR_TEXT_MAX, .doc = "nextCursor of the page before." },
	{ 0 },
};
static const struct field statement_fields[] = {
	{ FIELD(struct statement, month, "month"), .required = true,
	  .doc = "In UTC: 2026-01." },
	{ FIELD(struct statement, currency, "currency"), .required = true },
	{ FIELD(struct statement, opening_minor, "opening"), .required = true,
	  .doc = "The balance at the beginning of the month." },
	{ FIELD(struct statement, closing_minor, "closing"), .required = true,
	  .doc = "The balance at the end of the month: opening + credits - "
	      "debits." },
	{ FIELD(struct statement, credits_minor, "credits"), .required = true,
	  .format = FMT_INTEGER,
	  .doc = "The sum of incoming amounts; may exceed 2^53." },
	{ FIELD(struct statement, debits_minor, "debits"), .required = true,
	  .format = FMT_INTEGER,
	  .doc = "The sum of outgoing amounts; may exceed 2^53." },
	{ FIELD(struct statement, entries, "entries"), .required = true },
	{ FIELD(struct statement, created_at, "createdAt"), .required = true,
	  .format = FMT_DATE_TIME },
	{ 0 },
};
static const struct schema statement_schema =
	SCHEMA_NAMED("Statement", struct statement, statement_fields);
static const struct field page_fields[] = {
	{ FIELD(struct list_out, items, "items"), .required = true,
	  .of = &statement_schema, .doc = "Newest first." },
	{ FIELD(struct list_out, next_cursor, "nextCursor"), .required = true,
	  .nullable = true, .doc = "null on the last page." },
	{ 0 },
};
/* clang-format on */

static const char *
statement_position(struct arena *a UNUSED, const void *item)
{
	return ((const struct statement *)item)->month;
}

static enum err
statements_list(struct req *r, const void *in_struct, void *out_struct)
{
	struct service_process *wallet = r->app;
	const struct list_in *in = in_struct;
	const char *scope = arena_printf(r->arena, "statements 1 %s", in->id);
	struct list_out *out = out_struct;
	const struct statement *all;
	const char *before;
	struct account account;
	int64_t count;
	enum err e;

	e = cursor_read_parameter(r, scope, in->cursor, &before);
	if (e != ERR_OK)
		return e;
	e = account_get(r, in->id, &account);
	if (e != ERR_OK)
		return e;
	e = statement_find_page(
	    wallet->db, r->arena, in->id, before, in->limit + 1, &all, &count);
	if (e != ERR_OK)
		return e;
	page_write(r,
	    &(struct page){
		.of = &statement_schema,
		.items = all,
		.count = count,
		.limit = in->limit,
		.scope = scope,
		.position = statement_position,
	    },
	    &out->items, &out->next_cursor);
	return ERR_OK;
}

/* clang-format off */
const struct route statement_routes[] = {
	{ "GET", "/accounts/{id}/statements", statements_list,
	  .summary = "The monthly statements of an account, newest first",
	  .in = SCHEMA(struct list_in, list_fields),
	  .out = SCHEMA_NAMED("StatementPage", struct list_out, page_fields),
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) },
	{ 0 },
};
/* clang-format on */

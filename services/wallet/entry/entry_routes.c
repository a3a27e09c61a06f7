#include "wallet/entry/entry_routes.h"

#include <string.h>
#include <strings.h>

#include "app/service_main.h"
#include "base/arena.h"
#include "base/str.h"
#include "wallet/account/account.h"
#include "wallet/account/account_routes.h"
#include "wallet/entry/entry_csv.h"
#include "wallet/entry/entry_store.h"
#include "web/cursor.h"
#include "web/page.h"

enum { PAGE_MAX = 100, ACCEPT_MAX = 1024 };
#define PAGE_DEFAULT "50"

struct list_in {
	const char *id;
	const char *accept;
	const char *from;
	const char *to;
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
	{ FIELD(struct list_in, accept, "Accept"), .from = FROM_HEADER,
	  .max = ACCEPT_MAX, .doc = "text/csv: all entries as CSV, ignoring "
	    "limit and cursor." },
	{ FIELD(struct list_in, from, "from"), .from = FROM_QUERY,
	  .format = FMT_DATE_TIME, .doc = "The earliest time; inclusive." },
	{ FIELD(struct list_in, to, "to"), .from = FROM_QUERY,
	  .format = FMT_DATE_TIME, .doc = "The latest time; exclusive." },
	{ FIELD(struct list_in, limit, "limit"), .from = FROM_QUERY,
	  .min = 1, .max = PAGE_MAX, .fallback = PAGE_DEFAULT },
	{ FIELD(struct list_in, cursor, "cursor"), .from = FROM_QUERY,
	  .max = CURSOR_TEXT_MAX,
	  .doc = "nextCursor of the previous page, with the same times." },
	{ 0 },
};
static const struct field entry_fields[] = {
	{ FIELD(struct entry, id, "id"), .required = true,
	  .format = FMT_UUID },
	{ FIELD(struct entry, transfer_id, "transferId"), .required = true,
	  .format = FMT_UUID },
	{ FIELD(struct entry, amount_minor, "amount"), .required = true,
	  .doc = "Minor units; negative if the money left the account." },
	{ FIELD(struct entry, balance_after_minor, "balanceAfter"),
	  .required = true, .doc = "The account's balance after the entry." },
	{ FIELD(struct entry, memo, "memo"), .nullable = true,
	  .doc = "The memo of the transfer." },
	{ FIELD(struct entry, created_at, "createdAt"), .required = true,
	  .format = FMT_DATE_TIME },
	{ 0 },
};
static const struct schema entry_schema =
	SCHEMA_NAMED("Entry", struct entry, entry_fields);
static const struct field page_fields[] = {
	{ FIELD(struct list_out, items, "items"), .required = true,
	  .of = &entry_schema, .doc = "Newest first." },
	{ FIELD(struct list_out, next_cursor, "nextCursor"), .required = true,
	  .nullable = true, .doc = "null on the last page." },
	{ 0 },
};
/* clang-format on */

/*
 * Whether the header Accept names the media type, whatever its quality. A
 * quality of 0 ("q=0") is not checked, because no client sends it.
 */
static bool
wants_csv(const char *accept)
{
	static const char csv[] = "text/csv";

	while (accept != NULL && *accept != '\0') {
		size_t len;

		accept += strspn(accept, " \t,");
		len = strcspn(accept, " \t,;");
		if (len == sizeof(csv) - 1 &&
		    strncasecmp(accept, csv, len) == 0)
			return true;
		accept += strcspn(accept, ",");
	}
	return false;
}

static const char *
list_scope(struct req *r, const struct list_in *in)
{
	return arena_printf(r->arena, "entries 1 %s %s %s", in->id,
	    in->from != NULL ? in->from : "any",
	    in->to != NULL ? in->to : "any");
}

static enum err
read_page(struct req *r, const struct list_in *in, struct entry_page *ret_page)
{
	const char *position;
	enum err e;

	*ret_page = (struct entry_page){
		.account_id = in->id,
		.from = in->from,
		.to = in->to,
		.limit = in->limit +
		         /*
		          * one row more, to know whether there is a next page
		          */
		         1,
	};
	/*
	 * Refuse the year 0: RFC 3339 has it, but PostgreSQL's calendar does
	 * not.
	 */
	if (in->from != NULL && str_has_prefix(in->from, "0000-"))
		return req_invalid(r, "from", "must not be before year 1");
	if (in->to != NULL && str_has_prefix(in->to, "0000-"))
		return req_invalid(r, "to", "must not be before year 1");
	e = cursor_read_parameter(r, list_scope(r, in), in->cursor, &position);
	if (e != ERR_OK || position == NULL)
		return e;
	if (!str_i64(position, 1, INT64_MAX, &ret_page->before_seq))
		return req_invalid(
		    r, "cursor", "is not a nextCursor of this list");
	return ERR_OK;
}

static const char *
entry_position(struct arena *a, const void *item)
{
	const struct entry *entry = item;

	return arena_i64(a, entry->seq);
}

static enum err
list_page(struct req *r, const struct list_in *in,
    const struct entry_page *page, struct list_out *out)
{
	struct service_process *wallet = r->app;
	const struct entry *entries;
	int64_t count;
	enum err e;

	e = entry_find_page(wallet->db, r->arena, page, &entries, &count);
	if (e != ERR_OK)
		return e;
	page_write(r,
	    &(struct page){
		.of = &entry_schema,
		.items = entries,
		.count = count,
		.limit = in->limit,
		.scope = list_scope(r, in),
		.position = entry_position,
	    },
	    &out->items, &out->next_cursor);
	return ERR_OK;
}

static enum err
entries_list(struct req *r, const void *in_struct, void *out_struct)
{
	const struct list_in *in = in_struct;
	struct account account;
	struct entry_page page;
	enum err e;

	e = read_page(r, in, &page);
	if (e != ERR_OK)
		return e;
	e = account_get(r, in->id, &account);
	if (e != ERR_OK)
		return e;
	req_add_header(r, "Vary", "Accept");
	if (!wants_csv(in->accept))
		return list_page(r, in, &page, out_struct);
	page.before_seq = 0; /* 0: the CSV has all entries, not one page */
	return entry_csv_answer(r, &page);
}

/* clang-format off */
const struct route entry_routes[] = {
	{ "GET", "/accounts/{id}/entries", entries_list,
	  .summary = "The entries of an account, newest first",
	  .in = SCHEMA(struct list_in, list_fields),
	  .out = SCHEMA_NAMED("EntryPage", struct list_out, page_fields),
	  .errors = BIT(ERR_INVALID) | BIT(ERR_NOT_FOUND) |
	    BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */

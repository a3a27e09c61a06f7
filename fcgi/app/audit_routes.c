#include "app/audit_routes.h"

#include <string.h>

#include "app/service_process.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "db/db.h"
#include "db/db_time.h"
#include "web/cursor.h"
#include "web/page.h"
#include "web/request.h"

enum {
	TEXT_MAX = 500,
	PAGE_ROWS_MAX = 100,
	/* With the longest objects, this many rows are less than 1 MiB. */
	LINES_PER_PIECE = 20,
};

static const char newest_id[] = "ffffffff-ffff-ffff-ffff-ffffffffffff";

struct filter {
	const char *actor;
	const char *action;
	const char *object_id;
	const char *from;
	const char *to;
	int64_t limit;
	const char *cursor;
};
struct entry {
	const char *id;
	struct opt_int64 seq;
	const char *at;
	const char *actor;
	const char *actor_kind;
	const char *acting_as;
	const char *action;
	const char *object_kind;
	const char *object_id;
	const char *address;
	const char *request_id;
	struct any_object before;
	struct any_object after;
};
struct list_out {
	struct objects items;
	const char *next_cursor;
};

/* clang-format off */
#define FILTER_FIELDS \
	{ FIELD(struct filter, actor, "actor"), .from = FROM_QUERY,           \
	  .max = TEXT_MAX, .doc = "The id of a user, or an account of the "   \
	    "host." },                                                        \
	{ FIELD(struct filter, action, "action"), .from = FROM_QUERY,         \
	  .max = TEXT_MAX, .doc = "Such as account.freeze." },                \
	{ FIELD(struct filter, object_id, "objectId"), .from = FROM_QUERY,    \
	  .max = TEXT_MAX },                                                  \
	{ FIELD(struct filter, from, "from"), .from = FROM_QUERY,             \
	  .format = FMT_DATE_TIME, .doc = "At this time, or later." },        \
	{ FIELD(struct filter, to, "to"), .from = FROM_QUERY,                 \
	  .format = FMT_DATE_TIME, .doc = "Before this time." }
static const struct field list_fields[] = {
	FILTER_FIELDS,
	{ FIELD(struct filter, limit, "limit"), .from = FROM_QUERY,
	  .min = 1, .max = PAGE_ROWS_MAX, .fallback = "50" },
	{ FIELD(struct filter, cursor, "cursor"), .from = FROM_QUERY,
	  .max = CURSOR_TEXT_MAX,
	  .doc = "nextCursor of the page before, with the same filters." },
	{ 0 },
};
static const struct field export_fields[] = {
	FILTER_FIELDS,
	{ 0 },
};
static const struct field entry_fields[] = {
	{ FIELD(struct entry, id, "id"), .required = true, .format = FMT_UUID },
	{ FIELD(struct entry, seq, "seq"), .required = true, .nullable = true,
	  .doc = "The number in the chain; null: not chained yet." },
	{ FIELD(struct entry, at, "at"), .required = true,
	  .format = FMT_DATE_TIME },
	{ FIELD(struct entry, actor, "actor"), .required = true,
	  .doc = "Who did it: the id of a user, or an account of the host." },
	{ FIELD(struct entry, actor_kind, "actorKind"), .required = true,
	  .doc = "user, command or service." },
	{ FIELD(struct entry, acting_as, "actingAs"), .required = true,
	  .nullable = true, .doc = "As whom, if not as the actor." },
	{ FIELD(struct entry, action, "action"), .required = true },
	{ FIELD(struct entry, object_kind, "objectKind"), .required = true },
	{ FIELD(struct entry, object_id, "objectId"), .required = true },
	{ FIELD(struct entry, address, "address"), .required = true,
	  .nullable = true },
	{ FIELD(struct entry, request_id, "requestId"), .required = true,
	  .nullable = true },
	{ FIELD(struct entry, before, "before"), .required = true,
	  .nullable = true },
	{ FIELD(struct entry, after, "after"), .required = true,
	  .nullable = true },
	{ 0 },
};
static const struct schema entry_schema =
	SCHEMA_NAMED("AuditEvent", struct entry, entry_fields);
static const struct field page_fields[] = {
	{ FIELD(struct list_out, items, "items"), .required = true,
	  .of = &entry_schema, .doc = "Newest first." },
	{ FIELD(struct list_out, next_cursor, "nextCursor"), .required = true,
	  .nullable = true, .doc = "null on the last page." },
	{ 0 },
};

static const struct db_stmt select_page = {
	.name = "audit_select",
	.sql = "SELECT e.id, l.seq, " DB_TIME("e.at") ", e.actor, e.actor_kind,"
	  " e.acting_as, e.action, e.object_kind, e.object_id, e.address,"
	  " e.request_id, e.before, e.after"
	  " FROM audit_event e LEFT JOIN audit_link l ON l.event_id = e.id"
	  " WHERE e.id < $1 AND ($2::text IS NULL OR e.actor = $2)"
	  " AND ($3::text IS NULL OR e.action = $3)"
	  " AND ($4::text IS NULL OR e.object_id = $4)"
	  " AND ($5::timestamptz IS NULL OR e.at >= $5)"
	  " AND ($6::timestamptz IS NULL OR e.at < $6)"
	  " ORDER BY e.id DESC LIMIT $7",
	.nargs = 7,
	.read_only = true,
};
/* clang-format on */
enum {
	COL_ID,
	COL_SEQ,
	COL_AT,
	COL_ACTOR,
	COL_ACTOR_KIND,
	COL_ACTING_AS,
	COL_ACTION,
	COL_OBJECT_KIND,
	COL_OBJECT_ID,
	COL_ADDRESS,
	COL_REQUEST_ID,
	COL_BEFORE,
	COL_AFTER,
};

static struct entry
read_row(const struct db_rows *rows, int row)
{
	struct entry e = {
		.id = db_get_text(rows, row, COL_ID),
		.at = db_get_text(rows, row, COL_AT),
		.actor = db_get_text(rows, row, COL_ACTOR),
		.actor_kind = db_get_text(rows, row, COL_ACTOR_KIND),
		.acting_as = db_find_text(rows, row, COL_ACTING_AS),
		.action = db_get_text(rows, row, COL_ACTION),
		.object_kind = db_get_text(rows, row, COL_OBJECT_KIND),
		.object_id = db_get_text(rows, row, COL_OBJECT_ID),
		.address = db_find_text(rows, row, COL_ADDRESS),
		.request_id = db_find_text(rows, row, COL_REQUEST_ID),
		.before.text = db_find_text(rows, row, COL_BEFORE),
		.after.text = db_find_text(rows, row, COL_AFTER),
	};

	if (!db_is_null(rows, row, COL_SEQ))
		e.seq =
		    (struct opt_int64){ .value = db_get_i64(rows, row, COL_SEQ),
			    .set = true };
	return e;
}

static enum err
find_page(struct db *db, struct arena *a, const struct filter *f,
    const char *before_id, int64_t limit, struct entry **ret_items,
    int64_t *ret_count)
{
	struct db_rows rows;
	struct entry *items;
	enum err e;

	e = db_run(db, a, &select_page,
	    DB_ARGS(before_id != NULL ? before_id : newest_id, f->actor,
		f->action, f->object_id, f->from, f->to, arena_i64(a, limit)),
	    &rows);
	if (e != ERR_OK)
		return e;
	items = arena_alloc(a, (size_t)rows.count * sizeof(*items));
	for (int i = 0; i < rows.count; i++)
		items[i] = read_row(&rows, i);
	*ret_items = items;
	*ret_count = rows.count;
	return ERR_OK;
}

/* RFC 3339 has the year 0; PostgreSQL's calendar does not. */
static enum err
check_times(struct req *r, const struct filter *f)
{
	if (f->from != NULL && str_has_prefix(f->from, "0000-"))
		return req_invalid(r, "from", "must not be before year 1");
	if (f->to != NULL && str_has_prefix(f->to, "0000-"))
		return req_invalid(r, "to", "must not be before year 1");
	return ERR_OK;
}

static const char *
or_any(const char *filter)
{
	return filter != NULL ? filter : "";
}

static const char *
entry_position(struct arena *a UNUSED, const void *item)
{
	return ((const struct entry *)item)->id;
}

static enum err
audit_list(struct req *r, const void *in_struct, void *out_struct)
{
	const struct service_process *process = r->app;
	const struct filter *in = in_struct;
	struct list_out *out = out_struct;
	const char *scope = arena_printf(r->arena, "audit 1 %s\n%s\n%s\n%s\n%s",
	    or_any(in->actor), or_any(in->action), or_any(in->object_id),
	    or_any(in->from), or_any(in->to));
	const char *before_id;
	struct entry *items;
	int64_t count;
	enum err e = check_times(r, in);

	if (e == ERR_OK)
		e = cursor_read_parameter(r, scope, in->cursor, &before_id);
	if (e == ERR_OK)
		e = find_page(process->db, r->arena, in, before_id,
		    in->limit + 1, &items, &count);
	if (e != ERR_OK)
		return e;
	page_write(r,
	    &(struct page){
		.of = &entry_schema,
		.items = items,
		.count = count,
		.limit = in->limit,
		.scope = scope,
		.position = entry_position,
	    },
	    &out->items, &out->next_cursor);
	return ERR_OK;
}

/* -- CSV -- */

struct export
{
	struct db *db;
	struct filter filter;
	char before_id[sizeof(newest_id)];
	bool begun;
};

static void
put_cell(struct buf *b, const char *text, bool is_last)
{
	buf_putc(b, '"');
	/* A spreadsheet would take the text for a formula. */
	if (text != NULL && *text != '\0' && strchr("=+-@\t\r", *text) != NULL)
		buf_putc(b, '\'');
	for (; text != NULL && *text != '\0'; text++) {
		if (*text == '"')
			buf_putc(b, '"');
		buf_putc(b, *text);
	}
	buf_puts(b, is_last ? "\"\r\n" : "\",");
}

static void
put_line(struct buf *b, const struct entry *e)
{
	const char *const cells[] = { e->id, e->at, e->actor, e->actor_kind,
		e->acting_as, e->action, e->object_kind, e->object_id,
		e->address, e->request_id, e->before.text, e->after.text };

	if (e->seq.set)
		buf_put_i64(b, e->seq.value);
	buf_putc(b, ',');
	for (size_t i = 0; i < COUNT_OF(cells); i++)
		put_cell(b, cells[i], i + 1 == COUNT_OF(cells));
}

static enum err
next(void *ctx, struct arena *a, struct buf *piece, bool *ret_done)
{
	struct export *x = ctx;
	struct entry *items;
	int64_t count;
	enum err e;

	if (!x->begun)
		buf_puts(piece,
		    "seq,id,at,actor,actorKind,actingAs,action,objectKind,"
		    "objectId,address,requestId,before,after\r\n");
	x->begun = true;
	e = find_page(x->db, a, &x->filter, x->before_id, LINES_PER_PIECE,
	    &items, &count);
	if (e != ERR_OK)
		return e;
	for (int64_t i = 0; i < count; i++)
		put_line(piece, &items[i]);
	if (count > 0)
		str_copy(
		    x->before_id, sizeof(x->before_id), items[count - 1].id);
	*ret_done = count < LINES_PER_PIECE;
	return ERR_OK;
}

static enum err
audit_export(struct req *r, const void *in_struct, void *out_struct UNUSED)
{
	const struct service_process *process = r->app;
	struct export *x = arena_alloc(r->arena, sizeof(*x));
	enum err e = check_times(r, in_struct);

	if (e != ERR_OK)
		return e;
	*x = (struct export){ .db = process->db,
		.filter = *(const struct filter *)in_struct };
	str_copy(x->before_id, sizeof(x->before_id), newest_id);
	return service_stream(r, "text/csv; charset=utf-8; header=present",
	    &(struct stream){ .next = next, .ctx = x });
}

/* clang-format off */
#define ADMIN .role = "admin", .flags = ROUTE_NO_RECORD

const struct route audit_routes[] = {
	{ "GET", "/audit", audit_list, ADMIN,
	  .summary = "The audit log: what operators did, newest first",
	  .in = SCHEMA(struct filter, list_fields),
	  .out = SCHEMA_NAMED("AuditPage", struct list_out, page_fields),
	  .errors = BIT(ERR_INVALID) },
	{ "GET", "/audit/export", audit_export, ADMIN,
	  .summary = "The audit log as CSV, newest first",
	  .in = SCHEMA(struct filter, export_fields),
	  .status = 200,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */

#include "links/batch/batch_routes.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "links/batch/batch.h"
#include "links/batch/csv.h"
#include "links/link/link_store.h"
#include "links/link/link_view.h"
#include "links/links.h"
#include "web/idempotency.h"

enum {
	BODY_MAX_BYTES = 1024 * 1024,
	/* With the longest texts, this many links are less than 1 MiB. */
	LINES_PER_PIECE = 200,
};

/* A struct with one member, because rows of a schema name a member. */
struct link_wish_item {
	struct link_wish wish;
};
struct batch_in {
	const char *key;
	struct objects links;
};
struct import_in {
	const char *key;
	const char *csv;
};
struct item_error {
	const char *code;
	const char *message;
	const char *field;
};
struct item_out {
	int64_t line;
	const void *link;
	const void *error;
};
struct batch_out {
	int64_t made;
	struct objects results;
};

/* clang-format off */
static const struct field wish_fields[] = {
	LINK_WISH_FIELDS(struct link_wish_item),
	{ 0 },
};
static const struct schema wish_schema = { .name = "LinkBatchItem",
	.size = sizeof(struct link_wish_item), .fields = wish_fields,
	.refuse_unknown = true };
static const struct field batch_fields[] = {
	{ IDEMPOTENCY_KEY_FIELD(struct batch_in, key) },
	{ FIELD(struct batch_in, links, "links"), .required = true, .min = 1,
	  .max = BATCH_MAX, .of = &wish_schema },
	{ 0 },
};
static const struct field import_fields[] = {
	{ IDEMPOTENCY_KEY_FIELD(struct import_in, key) },
	{ FIELD(struct import_in, csv, "csv"), .required = true, .min = 1,
	  .max = -1,
	  .doc = "The text of a CSV file. The first row names the columns: "
	    "target, and optionally slug, title, expiresAt and enabled; others "
	    "are ignored. At most 500 rows." },
	{ 0 },
};
static const struct field error_fields[] = {
	{ FIELD(struct item_error, code, "code"), .required = true },
	{ FIELD(struct item_error, message, "message"), .required = true },
	{ FIELD(struct item_error, field, "field"), .required = true,
	  .nullable = true, .doc = "The member that is wrong, if it is one." },
	{ 0 },
};
static const struct schema error_schema =
	SCHEMA_NAMED("LinkBatchError", struct item_error, error_fields);
static const struct field result_fields[] = {
	{ FIELD(struct item_out, line, "line"), .required = true,
	  .doc = "The number of the item, from 1; of an import, the line of the "
	    "file." },
	{ FIELD(struct item_out, link, "link"), .of = &link_schema,
	  .doc = "The link, if it was made." },
	{ FIELD(struct item_out, error, "error"), .of = &error_schema,
	  .doc = "The error, if it was not made." },
	{ 0 },
};
static const struct schema result_schema =
	SCHEMA_NAMED("LinkBatchResult", struct item_out, result_fields);
static const struct field out_fields[] = {
	{ FIELD(struct batch_out, made, "made"), .required = true,
	  .doc = "How many links were made." },
	{ FIELD(struct batch_out, results, "results"), .required = true,
	  .of = &result_schema, .doc = "One for each item, in order." },
	{ 0 },
};
/* clang-format on */

/* -- the answer -- */

static const struct item_error *
error_of(struct arena *a, const struct link_fault *fault)
{
	struct item_error *error = arena_alloc(a, sizeof(*error));

	error->code =
	    fault->code != NULL ? fault->code : err_info(ERR_INVALID)->code;
	error->message = fault->code != NULL ? link_code_message(fault->code)
	                                     : fault->message;
	error->field = fault->field;
	return error;
}

static void
answer(struct req *r, const struct batch_result *results, const int64_t *lines,
    size_t n, struct batch_out *out)
{
	struct item_out *items = arena_alloc(r->arena, n * sizeof(*items));

	out->made = 0;
	for (size_t i = 0; i < n; i++) {
		items[i].line = lines != NULL ? lines[i] : (int64_t)i + 1;
		items[i].link = results[i].link;
		if (results[i].link != NULL)
			out->made++;
		else
			items[i].error = error_of(r->arena, &results[i].fault);
	}
	out->results = (struct objects){ items, n };
}

static enum err
check_key(struct req *r, const char *key)
{
	if (key == NULL ||
	    (idempotency_key_is_valid(key) && strlen(key) <= BATCH_KEY_MAX))
		return ERR_OK;
	return req_invalid(
	    r, "Idempotency-Key", "must be 1 to 240 visible ASCII characters");
}

/* -- POST /links/batch -- */

static enum err
batches_make(struct req *r, const void *in_struct, void *out_struct)
{
	const struct batch_in *in = in_struct;
	const struct link_wish_item *items = in->links.items;
	size_t n = in->links.count;
	struct link_wish *wishes = arena_alloc(r->arena, n * sizeof(*wishes));
	const struct batch_result *results;
	enum err e = check_key(r, in->key);

	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		wishes[i] = items[i].wish;
		if (wishes[i].password != NULL)
			e = req_invalid(r,
			    arena_printf(r->arena, "links[%zu].password", i),
			    "is not allowed in a batch: it takes too long");
	}
	if (e == ERR_OK)
		e = batch_make(
		    r, wishes, /* faults= */ NULL, n, in->key, &results);
	if (e == ERR_OK)
		answer(r, results, /* lines= */ NULL, n, out_struct);
	return e;
}

/* -- POST /links/import -- */

enum column {
	COLUMN_TARGET,
	COLUMN_SLUG,
	COLUMN_TITLE,
	COLUMN_EXPIRES_AT,
	COLUMN_ENABLED,
	COLUMN__MAX
};
static const char *const column_names[COLUMN__MAX] = {
	[COLUMN_TARGET] = "target",
	[COLUMN_SLUG] = "slug",
	[COLUMN_TITLE] = "title",
	[COLUMN_EXPIRES_AT] = "expiresAt",
	[COLUMN_ENABLED] = "enabled",
};

struct import {
	int place[COLUMN__MAX]; /* -1: the file does not have the column */
	struct link_wish wishes[BATCH_MAX];
	struct link_fault faults[BATCH_MAX];
	int64_t lines[BATCH_MAX];
	size_t count;
};

static enum err
invalid_csv(struct req *r, int64_t line, const char *what)
{
	return req_invalid(r, "csv",
	    arena_printf(r->arena, "line %lld: %s", (long long)line, what));
}

static enum err
read_row(struct req *r, struct csv_reader *reader, struct csv_row *ret_row,
    bool *ret_end)
{
	int64_t line = reader->line;

	*ret_end = false;
	switch (csv_next(reader, r->arena, ret_row)) {
	case CSV_ROW:
		return ERR_OK;
	case CSV_END:
		*ret_end = true;
		return ERR_OK;
	case CSV_QUOTE:
		return invalid_csv(r, line, "a quote is missing or misplaced");
	case CSV_TOO_MANY:
		break;
	}
	return invalid_csv(r, line, "has more than 16 cells");
}

static enum err
read_head(struct req *r, struct csv_reader *reader, struct import *import)
{
	struct csv_row row;
	bool end;
	enum err e = read_row(r, reader, &row, &end);

	if (e != ERR_OK)
		return e;
	for (int c = 0; c < COLUMN__MAX; c++) {
		import->place[c] = -1;
		for (size_t i = 0; !end && i < row.count; i++) {
			if (str_eq(row.cells[i], column_names[c]))
				import->place[c] = (int)i;
		}
	}
	if (end || import->place[COLUMN_TARGET] < 0)
		return invalid_csv(
		    r, 1, "must name the columns, one of which is target");
	return ERR_OK;
}

/* Returns NULL for an empty or missing cell. */
static const char *
cell_of(const struct import *import, const struct csv_row *row, enum column c)
{
	int place = import->place[c];

	if (place < 0 || (size_t)place >= row->count ||
	    *row->cells[place] == '\0')
		return NULL;
	return csv_plain(row->cells[place]);
}

static void
note_fault(struct link_fault *f, enum column c, const char *message)
{
	f->field = column_names[c];
	f->message = message;
}

static void
read_expiry(struct arena *a, const char *cell, struct link_wish *wish,
    struct link_fault *f)
{
	char *text = arena_alloc(a, CLOCK_TEXT_SIZE);
	int64_t ms;

	if (cell == NULL)
		return;
	if (!clock_read(cell, &ms)) {
		note_fault(f, COLUMN_EXPIRES_AT,
		    "must be a time such as 2026-01-31T12:00:00Z");
		return;
	}
	clock_write(ms, text);
	wish->expires_at = text;
}

static void
read_enabled(const char *cell, struct link_wish *wish, struct link_fault *f)
{
	if (cell != NULL && !str_eq(cell, "true") && !str_eq(cell, "false"))
		note_fault(f, COLUMN_ENABLED, "must be true or false");
	wish->enabled.set = cell != NULL;
	wish->enabled.value = str_eq(cell, "true");
}

/* Checks what the schema of a route would check. */
static void
read_wish(struct arena *a, const struct import *import,
    const struct csv_row *row, struct link_wish *wish, struct link_fault *f)
{
	wish->target = cell_of(import, row, COLUMN_TARGET);
	wish->slug = cell_of(import, row, COLUMN_SLUG);
	wish->title = cell_of(import, row, COLUMN_TITLE);
	if (wish->target == NULL)
		note_fault(f, COLUMN_TARGET, "is missing");
	else if (strlen(wish->target) > TARGET_MAX)
		note_fault(f, COLUMN_TARGET, "is too long");
	if (wish->title != NULL && (utf8_length(wish->title) > LINK_TITLE_MAX ||
				       !unicode_is_line(wish->title)))
		note_fault(f, COLUMN_TITLE,
		    "must be one line of at most 200 characters");
	read_expiry(a, cell_of(import, row, COLUMN_EXPIRES_AT), wish, f);
	read_enabled(cell_of(import, row, COLUMN_ENABLED), wish, f);
}

static enum err
read_import(struct req *r, const char *text, struct import *import)
{
	struct csv_reader reader;
	struct csv_row row;
	bool end;
	enum err e;

	csv_begin(&reader, text);
	e = read_head(r, &reader, import);
	while (e == ERR_OK) {
		size_t i = import->count;

		e = read_row(r, &reader, &row, &end);
		if (e != ERR_OK || end)
			break;
		if (i == BATCH_MAX)
			return invalid_csv(r, row.line,
			    "a file may have at most 500 rows besides the "
			    "first: split it");
		import->lines[i] = row.line;
		read_wish(r->arena, import, &row, &import->wishes[i],
		    &import->faults[i]);
		import->count++;
	}
	return e;
}

static enum err
imports_make(struct req *r, const void *in_struct, void *out_struct)
{
	const struct import_in *in = in_struct;
	struct import *import = arena_alloc(r->arena, sizeof(*import));
	const struct batch_result *results;
	enum err e = check_key(r, in->key);

	if (e == ERR_OK)
		e = read_import(r, in->csv, import);
	if (e == ERR_OK)
		e = batch_make(r, import->wishes, import->faults, import->count,
		    in->key, &results);
	if (e == ERR_OK)
		answer(r, results, import->lines, import->count, out_struct);
	return e;
}

/* -- GET /links/export -- */

struct export
{
	struct req *r;
	const char *user_id;
	char before_id[UUID_TEXT_SIZE]; /* "": from the newest on */
	bool begun;
};

static void
write_line(struct req *r, struct buf *b, const struct link *link)
{
	buf_printf(b, "%s,", link->slug);
	csv_write_text(b, link->target);
	buf_putc(b, ',');
	if (link->title != NULL)
		csv_write_text(b, link->title);
	buf_printf(b, ",%s,%s,%lld,%s,%s\r\n",
	    link->expires_at != NULL ? link->expires_at : "",
	    link->enabled ? "true" : "false", (long long)link->clicks,
	    link->created_at, link_url(r, link->slug));
}

static enum err
next(void *ctx, struct arena *a, struct buf *piece, bool *ret_done)
{
	struct export *x = ctx;
	const struct link *found;
	int64_t count;
	enum err e;

	if (!x->begun)
		buf_puts(piece, "slug,target,title,expiresAt,enabled,clicks,"
				"createdAt,url\r\n");
	x->begun = true;
	e = link_list(links_of(x->r)->process.db, a, x->user_id,
	    x->before_id[0] != '\0' ? x->before_id : NULL, LINES_PER_PIECE,
	    &found, &count);
	if (e != ERR_OK)
		return e;
	for (int64_t i = 0; i < count; i++)
		write_line(x->r, piece, &found[i]);
	if (count > 0)
		str_copy(
		    x->before_id, sizeof(x->before_id), found[count - 1].id);
	*ret_done = count < LINES_PER_PIECE;
	return ERR_OK;
}

static enum err
exports_get(
    struct req *r, const void *in_struct UNUSED, void *out_struct UNUSED)
{
	struct export *x = arena_alloc(r->arena, sizeof(*x));

	x->r = r;
	x->user_id = r->identity->user_id;
	req_add_header(
	    r, "Content-Disposition", "attachment; filename=\"links.csv\"");
	return service_stream(r, "text/csv; charset=utf-8; header=present",
	    &(struct stream){ .next = next, .ctx = x });
}

/* clang-format off */
const struct route batch_routes[] = {
	{ "POST", "/links/batch", batches_make,
	  .summary = "Create up to 500 short links, each by itself",
	  .in = { .name = "LinkBatch", .size = sizeof(struct batch_in),
	    .fields = batch_fields, .refuse_unknown = true },
	  .out = SCHEMA_NAMED("LinkBatchResults", struct batch_out, out_fields),
	  .body_max_bytes = BODY_MAX_BYTES,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_RATE_LIMITED) },
	{ "POST", "/links/import", imports_make,
	  .summary = "Create short links from a CSV file",
	  .in = { .name = "LinkImport", .size = sizeof(struct import_in),
	    .fields = import_fields, .refuse_unknown = true },
	  .out = SCHEMA_NAMED("LinkBatchResults", struct batch_out, out_fields),
	  .body_max_bytes = BODY_MAX_BYTES,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_RATE_LIMITED) },
	{ "GET", "/links/export", exports_get,
	  .summary = "All links of the signed-in user, as CSV", .status = 200,
	  .errors = BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */

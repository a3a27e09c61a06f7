#include "audit_verify.h"

#include <string.h>

#include "base/arena.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/str.h"
#include "db/db_script.h"

#include "message.h"

enum {
	PROBLEMS_MAX = 100, /* that are printed */
	LINK_BYTES = SHA256_SIZE + 8 + SHA256_SIZE,
};
/*
 * An event gets its link some seconds after its transaction; so an event that
 * is older than one before it in the chain by more than this was inserted by
 * hand, with a time of its own.
 */
#define LATE_US (INT64_C(3600) * 1000 * 1000)

/*
 * The statement builds the same text of an event as audit_bytes() in
 * sql/audit/0001_audit.sql.
 */
static const char select_sql[] =
    "SELECT l.seq, l.event_id, encode(l.event_sha256, 'hex'),"
    " encode(l.sha256, 'hex'), (SELECT string_agg("
    "coalesce(octet_length(v) || ':' || v, '-'), ',' ORDER BY n)"
    " FROM unnest(ARRAY[e.id::text,"
    " (extract(epoch FROM e.at) * 1000000)::bigint::text, e.actor,"
    " e.actor_kind, e.acting_as, e.action, e.object_kind, e.object_id,"
    " e.address, e.request_id, e.before::text, e.after::text])"
    " WITH ORDINALITY AS t (v, n)),"
    " (extract(epoch FROM e.at) * 1000000)::bigint, e.action, e.after::text"
    " FROM public.audit_link l"
    " LEFT JOIN public.audit_event e ON e.id = l.event_id"
    " WHERE l.seq > $1::bigint ORDER BY l.seq LIMIT 1000";
enum {
	COL_SEQ,
	COL_EVENT_ID,
	COL_EVENT_SHA256,
	COL_SHA256,
	COL_TEXT,
	COL_AT,
	COL_ACTION,
	COL_AFTER,
};

/* Events without a link, and events that were to get one and are gone. */
static const char loose_sql[] =
    "SELECT e.id, 'has no link: its entry in audit_unlinked was removed, or "
    "the link was' FROM public.audit_event e WHERE NOT EXISTS"
    " (SELECT FROM public.audit_link l WHERE l.event_id = e.id)"
    " UNION ALL"
    " SELECT u.event_id, 'was removed before it got a link'"
    " FROM public.audit_unlinked u WHERE NOT EXISTS"
    " (SELECT FROM public.audit_event e WHERE e.id = u.event_id)"
    " LIMIT 100";

struct walk {
	struct audit_check *check;
	int64_t seq; /* of the last link */
	unsigned char sha256[SHA256_SIZE]; /* of the last link */
	bool is_first;
	int64_t newest_us;
	/* The links whose events are missing; 0: none. */
	int64_t first_missing, last_missing, missing;
};

static void
found_problem(struct audit_check *c, const char *what)
{
	if (c->problems++ < PROBLEMS_MAX)
		print_error("%s: %s", c->service, what);
}

static void
check_text(struct walk *w, struct arena *a, const struct db_rows *rows, int row)
{
	const char *text = db_get_text(rows, row, COL_TEXT);
	int64_t at = db_get_i64(rows, row, COL_AT);
	char hex[SHA256_HEX_SIZE];

	w->check->events++;
	sha256_hex(text, strlen(text), hex);
	if (!str_eq(hex, db_get_text(rows, row, COL_EVENT_SHA256)))
		found_problem(
		    w->check, arena_printf(a, "event %lld (%s) was changed",
				  (long long)w->seq,
				  db_get_text(rows, row, COL_EVENT_ID)));
	if (at + LATE_US < w->newest_us)
		found_problem(w->check,
		    arena_printf(a,
			"event %lld (%s) was inserted later: it is older than "
			"an event before it in the chain",
			(long long)w->seq,
			db_get_text(rows, row, COL_EVENT_ID)));
	if (at > w->newest_us)
		w->newest_us = at;
}

static void
note_retention(
    struct walk *w, struct arena *a, const struct db_rows *rows, int row)
{
	const char *after = db_find_text(rows, row, COL_AFTER);
	const char *problem;
	const struct json *j;
	int64_t through;

	if (after == NULL ||
	    !str_eq(db_get_text(rows, row, COL_ACTION), "audit.forget"))
		return;
	j = json_read(a, after, strlen(after), &problem);
	if (j != NULL && json_member_int(j, "throughSeq", &through) &&
	    through < w->seq && through > w->check->forgotten)
		w->check->forgotten = through;
}

static void
note_missing(struct walk *w)
{
	if (w->missing++ == 0)
		w->first_missing = w->seq;
	w->last_missing = w->seq;
}

static bool
read_hex(const char *hex, unsigned char out[SHA256_SIZE])
{
	if (strlen(hex) != SHA256_HEX_SIZE - 1)
		return false;
	for (int i = 0; i < SHA256_SIZE; i++)
		out[i] = (unsigned char)(hex_value(hex[2 * i]) << 4 |
					 hex_value(hex[2 * i + 1]));
	return true;
}

/* Computes the hash that the link should have, into w->sha256. */
static bool
next_hash(struct walk *w, const char *event_hex)
{
	unsigned char bytes[LINK_BYTES];
	size_t len = 0;

	if (!w->is_first) {
		memcpy(bytes, w->sha256, SHA256_SIZE);
		len = SHA256_SIZE;
	}
	for (int shift = 56; shift >= 0; shift -= 8)
		bytes[len++] = (unsigned char)(w->seq >> shift);
	if (!read_hex(event_hex, bytes + len))
		return false;
	sha256(bytes, len + SHA256_SIZE, w->sha256);
	return true;
}

static void
check_anchors(struct walk *w, struct arena *a, const char *hex)
{
	struct audit_check *c = w->check;

	for (int i = 0; i < c->nanchors; i++) {
		if (c->anchors[i].seq != w->seq)
			continue;
		c->anchors[i].found = true;
		if (!str_eq(c->anchors[i].sha256_hex, hex))
			found_problem(c,
			    arena_printf(a,
				"the chain was written again: an anchor says "
				"that link %lld has the hash %s, and it has %s",
				(long long)w->seq, c->anchors[i].sha256_hex,
				hex));
	}
}

static void
check_row(struct walk *w, struct arena *a, const struct db_rows *rows, int row)
{
	const char *hex = db_get_text(rows, row, COL_SHA256);
	int64_t seq = db_get_i64(rows, row, COL_SEQ);
	char expected[SHA256_HEX_SIZE];

	if (seq != w->seq + 1)
		found_problem(w->check, arena_printf(a, "link %lld was removed",
					    (long long)w->seq + 1));
	w->seq = seq;
	w->check->links++;
	if (!next_hash(w, db_get_text(rows, row, COL_EVENT_SHA256)))
		found_problem(w->check,
		    arena_printf(a, "link %lld has no hash", (long long)seq));
	hex_write(w->sha256, SHA256_SIZE, expected);
	if (!str_eq(expected, hex)) {
		found_problem(w->check,
		    arena_printf(a,
			"link %lld was changed, inserted or reordered: its "
			"hash does not follow from the link before it",
			(long long)seq));
		/*
		 * Continue with the hash that the row has, so that one fault is
		 * reported once, and not for all later links.
		 */
		(void)read_hex(hex, w->sha256);
	}
	w->is_first = false;
	check_anchors(w, a, hex);
	if (db_is_null(rows, row, COL_AT)) { /* there is no event */
		note_missing(w);
		return;
	}
	check_text(w, a, rows, row);
	note_retention(w, a, rows, row);
}

static bool
fail(const struct audit_check *c)
{
	print_error("%s: %s", c->service, db_script_problem(c->script));
	return false;
}

static bool
walk_links(struct walk *w)
{
	struct arena *a;
	struct db_rows rows;
	enum err e;
	int count;

	do {
		a = arena_new();
		e = db_script_query(w->check->script, a, select_sql,
		    DB_ARGS(arena_i64(a, w->seq)), &rows);
		count = e == ERR_OK ? rows.count : 0;
		for (int i = 0; i < count; i++)
			check_row(w, a, &rows, i);
		arena_free(a);
	} while (count > 0);
	return e == ERR_OK || fail(w->check);
}

static bool
check_loose(struct arena *a, struct audit_check *c)
{
	struct db_rows rows;

	if (db_script_query(c->script, a, loose_sql, DB_NO_ARGS, &rows) !=
	    ERR_OK)
		return fail(c);
	for (int i = 0; i < rows.count; i++)
		found_problem(
		    c, arena_printf(a, "event %s %s", db_get_text(&rows, i, 0),
			   db_get_text(&rows, i, 1)));
	return true;
}

bool
audit_verify(struct arena *a, struct audit_check *c)
{
	struct walk w = { .check = c, .is_first = true };
	struct db_rows rows;

	if (db_script_query(c->script, a,
		"SELECT public.audit_chain(9223372036854775807)", DB_NO_ARGS,
		&rows) != ERR_OK)
		return fail(c);
	if (!walk_links(&w) || !check_loose(a, c))
		return false;
	if (w.last_missing > c->forgotten)
		found_problem(
		    c, arena_printf(a,
			   "%lld events were removed, the first has the number "
			   "%lld and the last %lld; \"kedge audit forget\" has "
			   "deleted those up to %lld",
			   (long long)w.missing, (long long)w.first_missing,
			   (long long)w.last_missing, (long long)c->forgotten));
	for (int i = 0; i < c->nanchors; i++)
		if (!c->anchors[i].found)
			found_problem(
			    c, arena_printf(a,
				   "the end was cut off: an anchor names link "
				   "%lld, and there is none",
				   (long long)c->anchors[i].seq));
	hex_write(w.sha256, SHA256_SIZE, c->last_hex);
	return true;
}

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "db/db.h"
#include "job/job_admin.h"
#include "job/webhook.h"
#include "job/webhook_delivery_store.h"
#include "job/webhook_sign.h"
#include "job/webhook_store.h"
#include "schema.h"
#include "servers.h"

static char *app_url;
static struct arena *a;
static struct db *db;

static void
sql(const char *text)
{
	schema_do(app_url, text);
}

static void
set_up(void)
{
	a = arena_new();
	db = schema_open(app_url, 3);
	sql("DELETE FROM job; DELETE FROM job_ready; DELETE FROM job_waiting;"
	    " DELETE FROM webhook_endpoint");
}

static void
tear_down(void)
{
	db_close(db);
	arena_free(a);
}

static struct webhook
create(const char *kind)
{
	const char *const kinds[] = { kind };
	const struct webhook_settings in = { .url = "https://example.com/",
		.kinds = { kinds, 1 } };
	struct webhook webhook;
	const char *secret;

	ck_assert_int_eq(webhook_create(db, a, &in, &webhook, &secret), ERR_OK);
	ck_assert(webhook_secret_valid(a, secret));
	return webhook;
}

static struct webhook
find(const char *id)
{
	struct webhook webhook;

	ck_assert_int_eq(webhook_find(db, a, id, &webhook), ERR_OK);
	return webhook;
}

static struct job_list
deliveries(const char *id)
{
	const struct job_filter filter = { .limit = 100 };
	struct job_list list;

	ck_assert_int_eq(
	    job_admin_list_deliveries(db, a, id, &filter, &list), ERR_OK);
	return list;
}

static const char *
note(const char *id, struct webhook_outcome outcome)
{
	const char *reason;

	ck_assert_int_eq(webhook_record(db, a, id, &outcome, &reason), ERR_OK);
	return reason;
}

START_TEST(create_is_found_and_listed)
{
	struct webhook made = create("transfer.posted"), found;
	const struct webhook *all;
	struct webhook_page page = { .limit = 10 };
	int64_t count;

	found = find(made.id);
	ck_assert_str_eq(found.url, "https://example.com/");
	ck_assert_uint_eq(found.kinds.count, 1);
	ck_assert_str_eq(found.kinds.items[0], "transfer.posted");
	ck_assert_str_eq(found.description, "");
	ck_assert(found.enabled);
	ck_assert_ptr_null(found.old_secret_until);
	create("*");
	ck_assert_int_eq(webhook_list(db, a, &page, &all, &count), ERR_OK);
	ck_assert_int_eq(count, 2);
	ck_assert_str_eq(all[1].id, made.id);
	page.before_id = all[0].id;
	ck_assert_int_eq(webhook_list(db, a, &page, &all, &count), ERR_OK);
	ck_assert_int_eq(count, 1);
}
END_TEST

START_TEST(create_beyond_the_limit_is_refused)
{
	const char *const kinds[] = { "*" };
	const struct webhook_settings in = { .url = "https://example.com/",
		.kinds = { kinds, 1 } };
	struct webhook webhook;
	const char *secret;

	for (int i = 0; i < WEBHOOK_ENDPOINTS_MAX; i++)
		create("*");
	ck_assert_int_eq(
	    webhook_create(db, a, &in, &webhook, &secret), ERR_UNPROCESSABLE);
}
END_TEST

START_TEST(update_changes_only_given_settings)
{
	const char *const kinds[] = { "a", "b\"c" };
	struct webhook_settings in = { .description = "ours" };
	struct webhook w = create("x");

	ck_assert_int_eq(webhook_update(db, a, w.id, &in, &w), ERR_OK);
	ck_assert_str_eq(w.description, "ours");
	ck_assert_str_eq(w.url, "https://example.com/");
	ck_assert_str_eq(w.kinds.items[0], "x");
	note(w.id, (struct webhook_outcome){ .error = "no" });
	in = (struct webhook_settings){ .kinds = { kinds, 2 } };
	ck_assert_int_eq(webhook_update(db, a, w.id, &in, &w), ERR_OK);
	ck_assert_str_eq(w.kinds.items[1], "b\"c");
	ck_assert_int_eq(w.failures, 1);
	in = (struct webhook_settings){ .url = "https://example.org/" };
	ck_assert_int_eq(webhook_update(db, a, w.id, &in, &w), ERR_OK);
	ck_assert_str_eq(w.url, "https://example.org/");
	ck_assert_str_eq(w.description, "ours");
	ck_assert_int_eq(w.failures, 0);
	ck_assert_ptr_null(w.failing_since);
}
END_TEST

START_TEST(delete_twice_is_not_found)
{
	struct webhook w = create("x");

	ck_assert_int_eq(webhook_delete(db, a, w.id), ERR_OK);
	ck_assert_int_eq(webhook_delete(db, a, w.id), ERR_NOT_FOUND);
	ck_assert_int_eq(webhook_find(db, a, w.id, &w), ERR_NOT_FOUND);
}
END_TEST

START_TEST(emit_enqueues_a_delivery_for_each_endpoint_that_wants_the_event)
{
	struct webhook one = create("transfer.posted"), all = create("*"),
		       other = create("transfer.held"),
		       off = create("transfer.posted");
	struct webhook_delivery d, d2;

	ck_assert_int_eq(webhook_disable(db, a, off.id, &off), ERR_OK);
	sql("DO $$BEGIN ASSERT webhook_emit('transfer.posted',"
	    " '{\"amount\": 5, \"memo\": \"\\u00e9\"}', 'trace', 'req')"
	    " = 2; END$$");
	ck_assert_int_eq(deliveries(one.id).count, 1);
	ck_assert_int_eq(deliveries(all.id).count, 1);
	ck_assert_int_eq(deliveries(other.id).count, 0);
	ck_assert_int_eq(deliveries(off.id).count, 0);
	ck_assert_str_eq(deliveries(one.id).items[0].request_id, "req");
	ck_assert_str_eq(deliveries(one.id).items[0].queue, WEBHOOK_QUEUE);
	ck_assert_int_eq(
	    webhook_find_delivery(db, a, deliveries(one.id).items[0].id, &d),
	    ERR_OK);
	ck_assert_int_eq(
	    webhook_find_delivery(db, a, deliveries(all.id).items[0].id, &d2),
	    ERR_OK);
	/* Both deliveries are of the same event, to two endpoints. */
	ck_assert_str_eq(d.event_id, d2.event_id);
	ck_assert_int_eq(strncmp(d.event_id, "evt_", 4), 0);
	ck_assert_str_eq(d.body, d2.body);
	ck_assert_str_eq(d.endpoint_id, one.id);
	ck_assert(d.enabled);
	ck_assert_str_eq(d.type, "transfer.posted");
	ck_assert_ptr_nonnull(strstr(d.body, "\"amount\": 5"));
	ck_assert_ptr_nonnull(strstr(d.body, "\"memo\": \"\303\251\""));
	ck_assert_int_eq(
	    strncmp(d.body, "{\"type\" : \"transfer.posted\"", 25), 0);
}
END_TEST

START_TEST(emit_rolled_back_enqueues_nothing)
{
	struct webhook all = create("*");

	sql("BEGIN; SELECT webhook_emit('x', '{}'); ROLLBACK");
	ck_assert_int_eq(deliveries(all.id).count, 0);
}
END_TEST

START_TEST(delivery_to_a_deleted_endpoint_has_no_endpoint_id)
{
	struct webhook w = create("*");
	struct webhook_delivery d;
	const char *job_id;

	ck_assert_int_eq(
	    webhook_test(db, a, w.id, NULL, NULL, &job_id), ERR_OK);
	ck_assert_int_eq(webhook_delete(db, a, w.id), ERR_OK);
	ck_assert_int_eq(webhook_find_delivery(db, a, job_id, &d), ERR_OK);
	ck_assert(d.valid);
	ck_assert_ptr_null(d.endpoint_id);
	ck_assert(!d.enabled);
}
END_TEST

static const char *const odd_payloads[] = {
	"{}",
	"[]",
	"null",
	"7",
	"{\"endpointId\": \"no uuid\", \"eventId\": \"e\", \"type\": 1,"
	" \"timestamp\": \"t\", \"data\": {}}",
	"{\"endpointId\": 3, \"eventId\": \"e\", \"type\": \"x\","
	" \"timestamp\": \"t\", \"data\": {}}",
	"{\"endpointId\": \"i\", \"eventId\": \"e\", \"type\": \"x\","
	" \"timestamp\": \"t\"}",
};

START_TEST(delivery_with_a_foreign_payload_is_not_valid)
{
	static const struct job_kind kind = { .name = "webhook.deliver" };
	struct webhook_delivery d;
	struct job_enqueued job;

	create("*");
	ck_assert_int_eq(
	    job_enqueue(db, a, &kind, odd_payloads[_i], NULL, &job), ERR_OK);
	ck_assert_int_eq(webhook_find_delivery(db, a, job.id, &d), ERR_OK);
	ck_assert(!d.valid);
}
END_TEST

START_TEST(test_event_has_one_attempt_and_is_refused_while_disabled)
{
	struct webhook w = create("x");
	const char *job_id;

	ck_assert_int_eq(
	    webhook_test(db, a, w.id, NULL, NULL, &job_id), ERR_OK);
	ck_assert_int_eq(deliveries(w.id).items[0].max_attempts, 1);
	ck_assert_int_eq(webhook_disable(db, a, w.id, &w), ERR_OK);
	ck_assert_str_eq(w.disabled_reason, "by hand");
	ck_assert_int_eq(
	    webhook_test(db, a, w.id, NULL, NULL, &job_id), ERR_CONFLICT);
}
END_TEST

START_TEST(rotate_keeps_the_old_secret_for_a_day)
{
	struct webhook w = create("*");
	struct webhook_delivery before, after;
	const char *job_id, *secret;

	ck_assert_int_eq(
	    webhook_test(db, a, w.id, NULL, NULL, &job_id), ERR_OK);
	ck_assert_int_eq(webhook_find_delivery(db, a, job_id, &before), ERR_OK);
	ck_assert_ptr_null(before.old_secret);
	ck_assert_int_eq(webhook_rotate(db, a, w.id, &w, &secret), ERR_OK);
	ck_assert_ptr_nonnull(w.old_secret_until);
	ck_assert_int_eq(webhook_find_delivery(db, a, job_id, &after), ERR_OK);
	ck_assert_str_eq(after.secret, secret);
	ck_assert_str_eq(after.old_secret, before.secret);
	sql("UPDATE webhook_endpoint SET old_secret_until ="
	    " old_secret_until - interval '1 day'");
	ck_assert_int_eq(webhook_find_delivery(db, a, job_id, &after), ERR_OK);
	ck_assert_ptr_null(after.old_secret);
	ck_assert_ptr_null(find(w.id).old_secret_until);
}
END_TEST

START_TEST(success_resets_the_failures)
{
	struct webhook w = create("*");

	for (int i = 0; i < 20; i++)
		ck_assert_ptr_null(note(
		    w.id, (struct webhook_outcome){ .error = "HTTP 500" }));
	w = find(w.id);
	ck_assert_int_eq(w.failures, 20);
	ck_assert_str_eq(w.last_error, "HTTP 500");
	ck_assert_ptr_nonnull(w.failing_since);
	ck_assert_ptr_null(note(w.id, (struct webhook_outcome){ 0 }));
	w = find(w.id);
	ck_assert_int_eq(w.failures, 0);
	ck_assert_ptr_null(w.failing_since);
	ck_assert(w.enabled);
}
END_TEST

/*
 * Whether an endpoint is disabled by one more failure, after `failures` others,
 * the first of them `hours` ago.
 */
static const struct {
	int failures, hours;
	struct webhook_outcome outcome;
	const char *reason;
} ends[] = {
	{ 9, 73, { .error = "e" }, "it failed for 3 days" },
	{ 100, 73, { .error = "e" }, "it failed for 3 days" },
	{ 8, 73, { .error = "e" }, NULL },
	{ 100, 71, { .error = "e" }, NULL },
	{ 100, 73, { 0 }, NULL },
	{ 0, 0, { .error = "e", .gone = true },
	    "it answered that it is gone (410)" },
	{ 1, 1, { .error = "e", .last = true },
	    "a delivery failed in each of its attempts" },
};

START_TEST(endpoint_that_fails_for_days_is_disabled)
{
	struct webhook w = create("*");
	const char *reason;

	if (ends[_i].failures > 0)
		sql(arena_printf(a,
		    "UPDATE webhook_endpoint SET failures = %d,"
		    " failing_since = now() - interval '%d h'",
		    ends[_i].failures, ends[_i].hours));
	reason = note(w.id, ends[_i].outcome);
	w = find(w.id);
	if (ends[_i].reason == NULL) {
		ck_assert_ptr_null(reason);
		ck_assert(w.enabled);
		return;
	}
	ck_assert_str_eq(reason, ends[_i].reason);
	ck_assert(!w.enabled);
	ck_assert_str_eq(w.disabled_reason, ends[_i].reason);
	/*
	 * The failure of a delivery that was already in progress changes
	 * nothing.
	 */
	ck_assert_ptr_null(
	    note(w.id, (struct webhook_outcome){ .error = "f", .gone = true }));
	ck_assert_str_eq(find(w.id).disabled_reason, ends[_i].reason);
	ck_assert_int_eq(webhook_enable(db, a, w.id, &w), ERR_OK);
	ck_assert(w.enabled);
	ck_assert_int_eq(w.failures, 0);
}
END_TEST

static const struct {
	const char *url, *kind, *secret;
	enum webhook_problem problem;
} checks[] = {
	{ "https://example.com/", "*", NULL, WEBHOOK_FINE },
	{ NULL, "transfer.posted", NULL, WEBHOOK_FINE },
	{ NULL, "a", NULL, WEBHOOK_FINE },
	{ NULL, "a-b_c.d9", NULL, WEBHOOK_FINE },
	{ NULL, NULL, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", WEBHOOK_FINE },
	{ "http://127.0.0.1/", NULL, NULL, WEBHOOK_URL_PRIVATE },
	{ "ftp://example.com/", NULL, NULL, WEBHOOK_URL_INVALID },
	{ "http://u:p@example.com/", NULL, NULL, WEBHOOK_URL_INVALID },
	{ NULL, "", NULL, WEBHOOK_KIND_INVALID },
	{ NULL, "**", NULL, WEBHOOK_KIND_INVALID },
	{ NULL, "transfer.*", NULL, WEBHOOK_KIND_INVALID },
	{ NULL, "transfer.", NULL, WEBHOOK_KIND_INVALID },
	{ NULL, ".posted", NULL, WEBHOOK_KIND_INVALID },
	{ NULL, "a..b", NULL, WEBHOOK_KIND_INVALID },
	{ NULL, "A", NULL, WEBHOOK_KIND_INVALID },
	{ NULL, NULL, "secret", WEBHOOK_SECRET_INVALID },
};

START_TEST(settings_are_checked)
{
	const char *const kinds[] = { checks[_i].kind };
	const struct webhook_settings in = {
		.url = checks[_i].url,
		.kinds = { kinds, checks[_i].kind != NULL },
		.secret = checks[_i].secret,
	};

	ck_assert_int_eq(webhook_check(a, &in, /* allow_private= */ false),
	    checks[_i].problem);
}
END_TEST

/* -- deliveries that are postponed -- */

/*
 * Returns the single value that a statement selects; $1 is the id, unless that
 * is NULL.
 */
static const char *
ask(const char *text, const char *id)
{
	static int n;
	struct db_stmt *stmt = arena_alloc(a, sizeof(*stmt));
	struct db_rows rows;

	*stmt = (struct db_stmt){
		.name = arena_printf(a, "test_ask_%d", n++),
		.sql = text,
		.nargs = id != NULL ? 1 : 0,
	};
	ck_assert_int_eq(
	    db_run(db, a, stmt, id != NULL ? DB_ARGS(id) : DB_NO_ARGS, &rows),
	    ERR_OK);
	ck_assert_int_eq(rows.count, 1);
	return db_get_text(&rows, 0, 0);
}

/* Enqueues the given number of deliveries and claims them. */
static void
claim_deliveries(int count)
{
	for (int i = 0; i < count; i++)
		sql("SELECT webhook_emit('x', '{}')");
	sql("INSERT INTO job_worker (name) VALUES ('test');"
	    "SELECT job_claim((SELECT max(id) FROM job_worker), 'webhooks',"
	    " array_fill(0::bigint, ARRAY[10]), 200, 0)");
}

/* Returns the job id of the n-th delivery, from the oldest. */
static const char *
delivery_id(const char *endpoint_id, int n)
{
	struct job_list list = deliveries(endpoint_id);

	return list.items[list.count - 1 - n].id;
}

static bool
put_off(const char *endpoint_id, int n)
{
	const char *id = delivery_id(endpoint_id, n);
	bool off;

	ck_assert_int_eq(
	    webhook_put_off(db, a, endpoint_id, id,
		atoll(ask("SELECT fence FROM job WHERE id = $1", id)), &off),
	    ERR_OK);
	return off;
}

/* Returns a delivery's state as "state attempt", and when it becomes due. */
static const char *
comes_up(const char *endpoint_id, int n)
{
	return ask("SELECT concat_ws(' ', state, attempt,"
		   " CASE WHEN h.at <= now() THEN 'now'"
		   " WHEN h.at <= e.not_before + interval '1 s' THEN 'then'"
		   " WHEN h.at > now() + interval '1 h' THEN 'late' END)"
		   " FROM job j JOIN webhook_endpoint e"
		   " ON e.id = (payload->>'endpointId')::uuid"
		   " LEFT JOIN LATERAL (SELECT min(at) AS at FROM ("
		   "SELECT run_at, fence FROM job_waiting WHERE job_id = j.id"
		   " UNION ALL SELECT '-infinity', fence FROM job_ready"
		   " WHERE job_id = j.id) AS hint (at, fence)"
		   " WHERE hint.fence = j.fence) AS h ON true"
		   " WHERE j.id = $1",
	    delivery_id(endpoint_id, n));
}

/* Returns how many deliveries can be claimed now. */
static int
ready(void)
{
	return atoi(ask("SELECT count(*) FROM job_ready r JOIN job j"
			" ON j.id = r.job_id AND j.fence = r.fence"
			" WHERE j.state = 'available'",
	    NULL));
}

/*
 * Returns for how many seconds the endpoint is still paused, rounded: a test
 * takes less than one second.
 */
static int
let_alone_s(const char *id)
{
	return atoi(ask("SELECT round(extract(epoch FROM"
			" not_before - clock_timestamp())) FROM"
			" webhook_endpoint WHERE id = $1",
	    id));
}

/* -- many at once -- */

static atomic_bool beside_ended;
static enum err beside;

static enum err
create_one(struct db *d, struct arena *arena)
{
	const char *const kinds[] = { "*" };
	const struct webhook_settings in = { .url = "https://example.com/",
		.kinds = { kinds, 1 } };
	struct webhook webhook;
	const char *secret;

	return webhook_create(d, arena, &in, &webhook, &secret);
}

static void *
create_beside(void *ctx UNUSED)
{
	struct arena *own = arena_new();

	beside = create_one(db, own);
	arena_free(own);
	atomic_store(&beside_ended, true);
	return NULL;
}

/*
 * Creates an endpoint.  Before its transaction commits, another transaction
 * counts the endpoints or waits to do so.
 */
static enum err
create_beside_another(struct db *tx, struct arena *arena, void *ctx)
{
	enum err e = create_one(tx, arena);

	ck_assert_int_eq(pthread_create(ctx, NULL, create_beside, NULL), 0);
	while (!atomic_load(&beside_ended) &&
	       atoi(ask("SELECT count(*) FROM pg_locks WHERE NOT granted",
		   NULL)) == 0)
		continue;
	return e;
}

START_TEST(concurrent_create_beyond_the_limit_is_refused)
{
	pthread_t thread;

	for (int i = 0; i < WEBHOOK_ENDPOINTS_MAX - 1; i++)
		create("*");
	ck_assert_int_eq(
	    db_transact(db, a, create_beside_another, &thread), ERR_OK);
	pthread_join(thread, NULL);
	ck_assert_int_eq(beside, ERR_UNPROCESSABLE);
	ck_assert_int_eq(
	    atoi(ask("SELECT count(*) FROM webhook_endpoint", NULL)),
	    WEBHOOK_ENDPOINTS_MAX);
}
END_TEST

static void
age_failures(const char *ago)
{
	sql(arena_printf(a,
	    "UPDATE webhook_endpoint SET failing_since = now() - interval '%s',"
	    " not_before = now()",
	    ago));
}

static const struct webhook_outcome silent = { .error = "e",
	.no_response = true };
static const struct webhook_outcome taken = { 0 };

START_TEST(endpoint_without_responses_is_paused_longer_each_time)
{
	const struct webhook_outcome long_pause = {
		.error = "e", .no_response = true, .pause_ms = 3600000
	};
	struct webhook w = create("*");

	note(w.id, (struct webhook_outcome){ .error = "HTTP 500" });
	ck_assert_ptr_null(find(w.id).not_before);
	note(w.id, silent);
	ck_assert_int_eq(let_alone_s(w.id), 5);
	ck_assert_ptr_nonnull(find(w.id).not_before);
	age_failures("60 s");
	ck_assert_ptr_null(find(w.id).not_before);
	note(w.id, silent);
	ck_assert_int_eq(let_alone_s(w.id), 60);
	age_failures("1 h");
	note(w.id, silent);
	ck_assert_int_eq(let_alone_s(w.id), 600);
	note(w.id, long_pause);
	ck_assert_int_eq(let_alone_s(w.id), 3600);
	note(w.id, (struct webhook_outcome){ .pause_ms = 9000 });
	ck_assert_int_eq(let_alone_s(w.id), 9);
	ck_assert_int_eq(find(w.id).failures, 0);
	note(w.id, taken);
	ck_assert_ptr_null(find(w.id).not_before);
}
END_TEST

START_TEST(put_off_delivery_counts_no_attempt_and_waits)
{
	struct webhook w = create("*");

	claim_deliveries(3);
	/* Sent, because the endpoint is not paused. */
	ck_assert(!put_off(w.id, 0));
	note(w.id, silent);
	for (int i = 0; i < 3; i++)
		ck_assert(put_off(w.id, i));
	ck_assert_str_eq(comes_up(w.id, 0), "available 0 then");
	ck_assert_str_eq(comes_up(w.id, 1), "available 0 late");
	ck_assert_str_eq(comes_up(w.id, 2), "available 0 late");
	ck_assert_int_eq(find(w.id).put_off, 3);
	ck_assert_str_eq(
	    ask("SELECT max(cardinality(attempts)) FROM job", NULL), "0");
}
END_TEST

START_TEST(put_off_with_an_old_fence_changes_nothing)
{
	struct webhook w = create("*");
	bool off;

	claim_deliveries(1);
	note(w.id, silent);
	ck_assert_int_eq(webhook_put_off(db, a, w.id, delivery_id(w.id, 0),
			     /* fence= */ 0, &off),
	    ERR_OK);
	ck_assert(off);
	ck_assert_str_eq(comes_up(w.id, 0), "running 1");
	note(w.id, taken);
	ck_assert_str_eq(comes_up(w.id, 0), "running 1");
}
END_TEST

START_TEST(one_delivery_is_sent_when_the_pause_is_over)
{
	struct webhook w = create("*");

	claim_deliveries(3);
	note(w.id, silent);
	sql("UPDATE webhook_endpoint SET not_before = now()");
	ck_assert(!put_off(w.id, 0));
	ck_assert(put_off(w.id, 1));
	ck_assert(put_off(w.id, 2));
	/*
	 * The endpoint stays paused for 30 s in case the delivery that was sent
	 * never ends.
	 */
	ck_assert_int_eq(let_alone_s(w.id), 30);
	ck_assert_str_eq(comes_up(w.id, 1), "available 0 then");
	/*
	 * The delivery fails: then exactly one other delivery is due, at the
	 * end of the new pause.
	 */
	age_failures("60 s");
	note(w.id, silent);
	ck_assert_int_eq(let_alone_s(w.id), 60);
	ck_assert_str_eq(comes_up(w.id, 1), "available 0 then");
	ck_assert_str_eq(comes_up(w.id, 2), "available 0 late");
	ck_assert_str_eq(ask("SELECT count(*) FROM job_waiting w JOIN job j"
			     " ON j.id = w.job_id AND j.fence = w.fence"
			     " WHERE j.id = $1",
			     delivery_id(w.id, 1)),
	    "1");
	ck_assert_int_eq(ready(), 0);
}
END_TEST

/*
 * When a worker dies while it sends a delivery, the next delivery to the same
 * endpoint is resumed.  A delivery that the dead worker had claimed, but not
 * begun to send, causes no other delivery to be resumed.
 */
START_TEST(next_delivery_is_resumed_when_the_worker_of_one_dies)
{
	struct webhook w = create("*"), other = create("*");

	claim_deliveries(4);
	note(w.id, silent);
	note(other.id, silent);
	sql("UPDATE webhook_endpoint SET not_before = now()");
	ck_assert(!put_off(w.id, 0));
	ck_assert(put_off(w.id, 1));
	ck_assert(put_off(w.id, 2));
	ck_assert_int_eq(let_alone_s(w.id), 30);
	ck_assert_str_eq(comes_up(w.id, 1), "available 0 then");
	note(other.id, silent);
	ck_assert(put_off(other.id, 0));
	ask("SELECT count(*) FROM job j, LATERAL"
	    " job_rescue(ARRAY[worker_id], id, 'the worker died')"
	    " WHERE j.id = $1",
	    delivery_id(w.id, 0));
	ck_assert_int_le(let_alone_s(w.id), 0);
	ck_assert_str_eq(comes_up(w.id, 1), "available 0 now");
	ck_assert_str_eq(comes_up(w.id, 2), "available 0 late");
	ck_assert_int_ge(let_alone_s(other.id), 1);
}
END_TEST

START_TEST(quick_response_resumes_deliveries_that_were_put_off)
{
	struct webhook w = create("*");

	claim_deliveries(15);
	note(w.id, silent);
	for (int i = 0; i < 15; i++)
		ck_assert(put_off(w.id, i));
	sql("SELECT job_cancel(id) FROM (SELECT id FROM job ORDER BY id"
	    " LIMIT 2) AS first");
	note(w.id, taken);
	ck_assert_int_eq(ready(), 10);
	ck_assert_str_eq(comes_up(w.id, 0), "cancelled 0");
	ck_assert_str_eq(comes_up(w.id, 2), "available 0 now");
	ck_assert_str_eq(comes_up(w.id, 12), "available 0 late");
	note(w.id, taken);
	ck_assert_int_eq(ready(), 11);
	/*
	 * Any quick response ends the pause step by step, also a response that
	 * reports an error for this event.
	 */
	note(w.id, (struct webhook_outcome){ .error = "HTTP 500" });
	ck_assert_int_eq(ready(), 12);
	ck_assert_int_eq(find(w.id).put_off, 1);
	note(w.id, taken);
	note(w.id, taken);
	ck_assert_int_eq(ready(), 13);
}
END_TEST

/*
 * Rows of webhook_waiting stay behind when deliveries are discarded while the
 * endpoint is disabled.
 */
START_TEST(outdated_rows_of_webhook_waiting_are_skipped_in_steps)
{
	struct webhook w = create("*");

	sql("INSERT INTO webhook_waiting SELECT id,"
	    " lpad(to_hex(n), 32, '0')::uuid, 0"
	    " FROM webhook_endpoint, generate_series(1, 1500) AS n");
	claim_deliveries(1);
	note(w.id, silent);
	ck_assert_int_eq(find(w.id).put_off, 500);
	ck_assert(put_off(w.id, 0));
	note(w.id, taken);
	ck_assert_int_eq(ready(), 1);
	ck_assert_int_eq(find(w.id).put_off, 0);
}
END_TEST

START_TEST(slow_endpoint_gets_one_delivery_at_a_time)
{
	const struct webhook_outcome slow = { .pause_ms = 9000 };
	struct webhook w = create("*");

	claim_deliveries(3);
	note(w.id, slow);
	for (int i = 0; i < 3; i++)
		ck_assert(put_off(w.id, i));
	note(w.id, slow);
	ck_assert_str_eq(comes_up(w.id, 0), "available 0 then");
	ck_assert_str_eq(comes_up(w.id, 1), "available 0 late");
	ck_assert_int_eq(find(w.id).put_off, 2);
}
END_TEST

START_TEST(enable_or_new_url_resumes_deliveries_that_were_put_off)
{
	const struct webhook_settings same = { .description = "x" },
				      other = { .url = "https://x.org/" };
	struct webhook w = create("*");

	claim_deliveries(3);
	note(w.id, silent);
	for (int i = 0; i < 3; i++)
		ck_assert(put_off(w.id, i));
	ck_assert_int_eq(webhook_update(db, a, w.id, &same, &w), ERR_OK);
	ck_assert_ptr_nonnull(w.not_before);
	ck_assert_int_eq(ready(), 0);
	if (_i == 0)
		ck_assert_int_eq(webhook_enable(db, a, w.id, &w), ERR_OK);
	else
		ck_assert_int_eq(
		    webhook_update(db, a, w.id, &other, &w), ERR_OK);
	ck_assert_ptr_null(w.not_before);
	ck_assert_int_eq(ready(), 3);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("webhook_store");
	TCase *t = tcase_create("store");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, create_is_found_and_listed);
	tcase_add_test(t, create_beyond_the_limit_is_refused);
	tcase_add_test(t, concurrent_create_beyond_the_limit_is_refused);
	tcase_add_test(t, update_changes_only_given_settings);
	tcase_add_test(t, delete_twice_is_not_found);
	tcase_add_test(
	    t, emit_enqueues_a_delivery_for_each_endpoint_that_wants_the_event);
	tcase_add_test(t, emit_rolled_back_enqueues_nothing);
	tcase_add_test(t, delivery_to_a_deleted_endpoint_has_no_endpoint_id);
	tcase_add_loop_test(t, delivery_with_a_foreign_payload_is_not_valid, 0,
	    (int)COUNT_OF(odd_payloads));
	tcase_add_test(
	    t, test_event_has_one_attempt_and_is_refused_while_disabled);
	tcase_add_test(t, rotate_keeps_the_old_secret_for_a_day);
	tcase_add_test(t, success_resets_the_failures);
	tcase_add_test(
	    t, endpoint_without_responses_is_paused_longer_each_time);
	tcase_add_test(t, put_off_delivery_counts_no_attempt_and_waits);
	tcase_add_test(t, put_off_with_an_old_fence_changes_nothing);
	tcase_add_test(t, one_delivery_is_sent_when_the_pause_is_over);
	tcase_add_test(t, next_delivery_is_resumed_when_the_worker_of_one_dies);
	tcase_add_test(t, quick_response_resumes_deliveries_that_were_put_off);
	tcase_add_test(
	    t, outdated_rows_of_webhook_waiting_are_skipped_in_steps);
	tcase_add_test(t, slow_endpoint_gets_one_delivery_at_a_time);
	tcase_add_loop_test(
	    t, enable_or_new_url_resumes_deliveries_that_were_put_off, 0, 2);
	tcase_add_loop_test(t, endpoint_that_fails_for_days_is_disabled, 0,
	    (int)COUNT_OF(ends));
	tcase_add_loop_test(t, settings_are_checked, 0, (int)COUNT_OF(checks));
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	const char *url = servers_start_postgres();

	schema_create(url, "core");
	app_url = schema_url(url, "core", SCHEMA_APP);
	return unit_run(suite());
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "db/db.h"
#include "job/job_admin.h"
#include "job/webhook.h"
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
	ck_assert_str_eq(schema_run(app_url, text), "");
}

static void
set_up(void)
{
	a = arena_new();
	db = db_open(&(struct db_options){
	    .url = app_url,
	    .application_name = "test_webhook_store",
	    .connections = 2,
	    .acquire_timeout_ms = 20000,
	    .statement_timeout_ms = 20000,
	});
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

	ck_assert_int_eq(webhook_note(db, a, id, &outcome, &reason), ERR_OK);
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

START_TEST(create_has_an_end)
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

START_TEST(update_changes_what_is_given)
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

START_TEST(delete_is_once)
{
	struct webhook w = create("x");

	ck_assert_int_eq(webhook_delete(db, a, w.id), ERR_OK);
	ck_assert_int_eq(webhook_delete(db, a, w.id), ERR_NOT_FOUND);
	ck_assert_int_eq(webhook_find(db, a, w.id, &w), ERR_NOT_FOUND);
}
END_TEST

START_TEST(emit_reaches_those_who_want_it)
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
	/* One event, told twice. */
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

START_TEST(emit_that_is_rolled_back_is_none)
{
	struct webhook all = create("*");

	sql("BEGIN; SELECT webhook_emit('x', '{}'); ROLLBACK");
	ck_assert_int_eq(deliveries(all.id).count, 0);
}
END_TEST

START_TEST(delivery_to_one_that_is_gone_knows_it)
{
	struct webhook w = create("*");
	struct webhook_delivery d;
	const char *job_id;

	ck_assert_int_eq(
	    webhook_test(db, a, w.id, NULL, NULL, &job_id), ERR_OK);
	ck_assert_int_eq(webhook_delete(db, a, w.id), ERR_OK);
	ck_assert_int_eq(webhook_find_delivery(db, a, job_id, &d), ERR_OK);
	ck_assert_ptr_null(d.endpoint_id);
	ck_assert(!d.enabled);
}
END_TEST

START_TEST(test_is_tried_once_and_not_while_disabled)
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

START_TEST(failures_are_forgotten_with_a_success)
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

/* After so many failures, the first of them so many hours ago, one more. */
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

START_TEST(endpoint_that_fails_for_long_is_disabled)
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
	/* The next failure, of one that was on its way, changes nothing. */
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

static Suite *
suite(void)
{
	Suite *s = suite_create("webhook_store");
	TCase *t = tcase_create("store");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, create_is_found_and_listed);
	tcase_add_test(t, create_has_an_end);
	tcase_add_test(t, update_changes_what_is_given);
	tcase_add_test(t, delete_is_once);
	tcase_add_test(t, emit_reaches_those_who_want_it);
	tcase_add_test(t, emit_that_is_rolled_back_is_none);
	tcase_add_test(t, delivery_to_one_that_is_gone_knows_it);
	tcase_add_test(t, test_is_tried_once_and_not_while_disabled);
	tcase_add_test(t, rotate_keeps_the_old_secret_for_a_day);
	tcase_add_test(t, failures_are_forgotten_with_a_success);
	tcase_add_loop_test(t, endpoint_that_fails_for_long_is_disabled, 0,
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

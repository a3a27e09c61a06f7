#include "wallet/ledger/ledger_jobs.h"

#include <stdio.h>
#include <string.h>

#include "app/service_process.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "wallet/ledger/ledger_check.h"
#include "wallet/ledger/ledger_store.h"
#include "wallet/log_events.h"
#include "wallet/wallet.h"

/*
 * Limits of the jobs. Only so many holds are expired in one transaction,
 * because it locks their accounts.
 */
enum {
	EXPIRE_AT_ONCE = 200,
	CHECK_LIMIT_S = 6 * 3600,
	STATEMENTS_LIMIT_S = 3600
};
/*
 * How long ledger.expire waits for the lock of an account: when it expires many
 * holds at once, and when it expires a single one.
 */
enum { TOGETHER_WAIT_MS = 200, ALONE_WAIT_MS = 20 };

struct statements_in {
	const char *month;
};

struct check_in {
	bool full;
};

/* clang-format off */
static const struct field check_fields[] = {
	{ FIELD(struct check_in, full, "full"),
	  .doc = "true: check everything, in slices; otherwise check new "
	      "entries." },
	{ 0 },
};
static const struct field statements_fields[] = {
	{ FIELD(struct statements_in, month, "month"),
	  .min = 10, .max = 10,
	  .doc = "The first day of the month, 2026-01-01; without it, each "
	    "past month without statements." },
	{ 0 },
};
/* clang-format on */

/* The result of one run of ledger.expire. */
struct expiry {
	int64_t expired;
	/* an account was locked; the next run tries these holds again */
	int64_t postponed;
	int64_t failed;
};

static enum err
expire_some(struct job *job, struct db *db, const struct ledger_hold *holds,
    int64_t count, int64_t wait_ms, struct expiry *x)
{
	int64_t expired, emitted;
	enum err e = ledger_expire(
	    db, job->arena, holds, count, wait_ms, &expired, &emitted);

	if (e != ERR_OK)
		return e;
	x->expired += expired;
	if (emitted > 0)
		job_wake(db);
	return ERR_OK;
}

/*
 * Expires each hold in a statement of its own, so that a hold that cannot be
 * expired does not prevent the others.
 */
static void
expire_each(struct job *job, struct db *db, const struct ledger_hold *holds,
    int64_t count, struct expiry *x)
{
	for (int64_t i = 0; i < count; i++) {
		switch (expire_some(job, db, &holds[i], 1, ALONE_WAIT_MS, x)) {
		case ERR_OK:
			break;
		case ERR_UNAVAILABLE:
			x->postponed++;
			break;
		default: /* the log event of the failed statement says why */
			log_event(LOG_ERROR, EVENT_HOLD_EXPIRY_FAILED,
			    LOG_TEXT("transfer", holds[i].id));
			x->failed++;
		}
	}
}

/*
 * Each statement is a transaction of its own, so that accounts are locked only
 * briefly.
 */
static enum err
expire(struct job *job, struct db *db, const void *payload UNUSED)
{
	struct ledger_hold after = { 0 };
	const struct ledger_hold *holds;
	struct expiry x = { 0 };
	int64_t count;
	enum err e;

	do {
		e = ledger_find_due_holds(
		    db, job->arena, &after, EXPIRE_AT_ONCE, &holds, &count);
		if (e != ERR_OK)
			return e;
		if (count == 0)
			break;
		after = holds[count - 1];
		if (expire_some(job, db, holds, count, TOGETHER_WAIT_MS, &x) !=
		    ERR_OK)
			expire_each(job, db, holds, count, &x);
	} while (count == EXPIRE_AT_ONCE);
	job_set_result(
	    job, arena_printf(job->arena,
		     "{\"expired\":%lld,\"postponed\":%lld,\"failed\":%lld}",
		     (long long)x.expired, (long long)x.postponed,
		     (long long)x.failed));
	return x.failed == 0
	           ? ERR_OK
	           : job_discard(job, "holds cannot be expired: see the log");
}

static bool
may_go_on(void *ctx, const struct ledger_state *so_far)
{
	struct job *job = ctx;
	char json[128];

	snprintf(json, sizeof(json), "{\"entries\":%lld,\"transfers\":%lld}",
	    (long long)so_far->entries, (long long)so_far->transfers);
	return job_report_progress(job, json);
}

static enum err
check(struct job *job, struct db *db, const void *payload)
{
	const struct check_in *in = payload;
	struct ledger_state state;
	int64_t nmismatches;
	enum err e;

	if (in->full)
		e = ledger_check_slices(db, job->arena, may_go_on, job, &state);
	else
		e = ledger_check_new(db, job->arena, /* move= */ true, &state);
	if (e != ERR_OK)
		return e;
	nmismatches = state.mismatches.count;
	job_set_result(
	    job, arena_printf(job->arena,
		     "{\"ok\":%s,\"full\":%s,\"accounts\":%lld,"
		     "\"transfers\":%lld,\"entries\":%lld,"
		     "\"mismatches\":%lld}",
		     nmismatches == 0 ? "true" : "false",
		     in->full ? "true" : "false", (long long)state.accounts,
		     (long long)state.transfers, (long long)state.entries,
		     (long long)nmismatches));
	return nmismatches == 0
	           ? ERR_OK
	           : job_discard(job, "the books are wrong: see the log");
}

/*
 * Whether the date is the first day of a month. The year 0 is refused: RFC 3339
 * has it, but PostgreSQL's calendar does not.
 */
static bool
is_month(struct arena *a, const char *date)
{
	int64_t epoch_ms;

	return strcmp(date + strlen("2026-01"), "-01") == 0 &&
	       !str_has_prefix(date, "0000-") &&
	       clock_read(arena_printf(a, "%sT00:00:00Z", date), &epoch_ms);
}

static enum err
write_statements(struct job *job, struct db *db, const void *payload)
{
	const struct statements_in *in = payload;
	int64_t count;
	enum err e;

	if (in->month != NULL && !is_month(job->arena, in->month))
		return job_discard(
		    job, "month is not the first day of one, as 2026-01-01");
	e = ledger_write_statements(db, job->arena, in->month, &count);
	if (e == ERR_OK)
		job_set_result(
		    job, arena_printf(job->arena, "{\"statements\":%lld}",
			     (long long)count));
	return e;
}

/*
 * Each statement is a transaction of its own, so that only a few keys are
 * locked at a time.
 */
static enum err
forget_keys(struct job *job, struct db *db, const void *payload UNUSED)
{
	const struct service_process *wallet = job->app;
	const struct wallet_config *config =
	    (const struct wallet_config *)wallet->config;
	int64_t page = 0, count, total = 0;
	enum err e;

	do {
		e = ledger_forget_keys(
		    db, job->arena, config->idempotency_days, &page, &count);
		if (e != ERR_OK)
			return e;
		total += count;
	} while (page != LEDGER_NO_PAGE);
	job_set_result(
	    job, arena_printf(job->arena, "{\"keys\":%lld}", (long long)total));
	return ERR_OK;
}

/* clang-format off */
const struct job_kind ledger_jobs[] = {
	{ .name = "ledger.expire", .handle = expire, .external = true,
	  .max_attempts = 1 },
	{ .name = "ledger.check", .handle = check, .external = true,
	  .payload = SCHEMA(struct check_in, check_fields),
	  .time_limit_s = CHECK_LIMIT_S, .max_attempts = 3 },
	{ .name = "ledger.statements", .handle = write_statements,
	  .payload = SCHEMA(struct statements_in, statements_fields),
	  .time_limit_s = STATEMENTS_LIMIT_S },
	{ .name = "ledger.forget-keys", .handle = forget_keys,
	  .external = true,
	  .time_limit_s = STATEMENTS_LIMIT_S },
	{ 0 },
};

const struct job_schedule ledger_schedules[] = {
	{ "ledger.expire", "* * * * *", .kind = "ledger.expire",
	  .single = true },
	{ "ledger.check", "17 3 * * *", .kind = "ledger.check",
	  .single = true },
	{ "ledger.check-full", "47 4 * * 0", .kind = "ledger.check",
	  .payload = "{\"full\":true}", .single = true },
	{ "ledger.statements", "5 0 1 * *", .kind = "ledger.statements",
	  .single = true },
	{ "ledger.forget-keys", "37 3 * * *", .kind = "ledger.forget-keys",
	  .single = true },
	{ 0 },
};
/* clang-format on */

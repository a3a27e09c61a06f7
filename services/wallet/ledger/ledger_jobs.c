#include "wallet/ledger/ledger_jobs.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "http/service_process.h"
#include "wallet/ledger/ledger_store.h"
#include "wallet/wallet.h"

/* Of one transaction, which holds their accounts' locks. */
enum { EXPIRE_AT_ONCE = 200, CHECK_LIMIT_S = 3600, STATEMENTS_LIMIT_S = 3600 };

struct statements_in {
	const char *month;
};

/* clang-format off */
static const struct field statements_fields[] = {
	{ FIELD(struct statements_in, month, "month"),
	  .min = 10, .max = 10,
	  .doc = "Its first day, 2026-01-01; else each month that is over "
	    "and has none." },
	{ 0 },
};
/* clang-format on */

/* Each statement is a transaction of its own: accounts are locked briefly. */
static enum err
expire(struct job *job UNUSED, struct db *db, const void *payload UNUSED)
{
	struct arena *scratch = arena_new(); /* of one statement */
	int64_t expired, emitted;
	enum err e;

	do {
		arena_reset(scratch);
		e = ledger_expire(
		    db, scratch, EXPIRE_AT_ONCE, &expired, &emitted);
		if (e == ERR_OK && emitted > 0)
			job_wake(db);
	} while (e == ERR_OK && expired == EXPIRE_AT_ONCE);
	arena_free(scratch);
	return e;
}

static enum err
check(struct job *job, struct db *db, const void *payload UNUSED)
{
	struct ledger_state state;
	enum err e;

	e = ledger_check(db, job->arena, &state);
	if (e != ERR_OK)
		return e;
	job_set_result(
	    job, arena_printf(job->arena,
		     "{\"ok\":%s,\"accounts\":%lld,\"transfers\":%lld,"
		     "\"entries\":%lld,\"mismatches\":%lld}",
		     state.nmismatches == 0 ? "true" : "false",
		     (long long)state.accounts, (long long)state.transfers,
		     (long long)state.entries, (long long)state.nmismatches));
	return state.nmismatches == 0
	           ? ERR_OK
	           : job_discard(job, "the books are wrong: see the log");
}

/* The first day of one.  PostgreSQL's calendar has no year 0; RFC 3339 has. */
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

/* Each statement is a transaction of its own: requests wait for few keys. */
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
	{ "ledger.statements", "5 0 1 * *", .kind = "ledger.statements",
	  .single = true },
	{ "ledger.forget-keys", "37 3 * * *", .kind = "ledger.forget-keys",
	  .single = true },
	{ 0 },
};
/* clang-format on */

/*
 * jobtest: a service that only has jobs, for t/54-jobs-*.t: kinds that write,
 * fail, hang and crash.  It is not installed.
 *
 * A handler records what it did in the table jobtest_effect, which has no key,
 * so that an effect that happens twice is visible.
 *
 * With JOBTEST_NEWER it acts as its own next release, which has other
 * schedules.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/service_main.h"
#include "app/service_process.h"
#include "base/arena.h"
#include "base/buf.h"
#include "db/db.h"
#include "job/job.h"

static const struct db_stmt insert_effect = {
	.name = "jobtest_insert_effect",
	.sql = "INSERT INTO jobtest_effect (job_id, kind, attempt, pid, due)"
	       " VALUES ($1, $2, $3, $4, $5)",
	.nargs = 5,
};

static enum err
write_effect(struct job *job, struct db *db)
{
	return db_run(db, job->arena, &insert_effect,
	    DB_ARGS(job->id, job->kind,
		arena_printf(job->arena, "%d", (int)job->attempt),
		arena_printf(job->arena, "%d", (int)getpid()), job->due_at),
	    /* ret_rows= */ NULL);
}

static void
sleep_ms(int64_t ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) != 0)
		continue;
}

static enum err
do_nothing(struct job *job, struct db *db, const void *payload)
{
	(void)job;
	(void)db;
	(void)payload;
	return ERR_OK;
}

static enum err
do_write(struct job *job, struct db *db, const void *payload)
{
	(void)payload;
	return write_effect(job, db);
}

struct wait {
	int64_t ms;
};

/* clang-format off */
static const struct field wait_fields[] = {
	{ FIELD(struct wait, ms, "ms"), .required = true, .min = 0,
	  .max = 600000 },
	{ 0 },
};
/* clang-format on */

/* Writes the job's effect, and then takes the given time. */
static enum err
do_write_and_wait(struct job *job, struct db *db, const void *payload)
{
	const struct wait *wait = payload;
	enum err e = write_effect(job, db);

	sleep_ms(wait->ms);
	return e;
}

static enum err
do_wait(struct job *job, struct db *db, const void *payload)
{
	const struct wait *wait = payload;

	for (int64_t ms = 0; ms < wait->ms; ms += 20) {
		if (!job_report_progress(
			job, arena_printf(job->arena, "{\"ms\":%d}", (int)ms)))
			return job_fail(job, ERR_CONFLICT, "told to stop");
		sleep_ms(20);
	}
	return write_effect(job, db);
}

static enum err
do_fail(struct job *job, struct db *db, const void *payload)
{
	enum err e =
	    write_effect(job, db); /* rolled back, because the handler fails */

	(void)payload;
	if (e != ERR_OK)
		return e;
	return job_fail(job, ERR_UNPROCESSABLE, "as it \xff must");
}

static const struct db_stmt refused = {
	.name = "jobtest_refused",
	.sql = "INSERT INTO jobtest_effect (job_id) VALUES ('no uuid')",
};

/* A statement of the handler fails, and the handler ignores the error. */
static enum err
do_fail_in_sql(struct job *job, struct db *db, const void *payload)
{
	enum err e = write_effect(job, db);

	(void)payload;
	if (e == ERR_OK)
		(void)!db_run(db, job->arena, &refused, DB_NO_ARGS, NULL);
	return ERR_OK;
}

/* The first attempt fails, the second one succeeds. */
static enum err
do_fail_once(struct job *job, struct db *db, const void *payload)
{
	(void)payload;
	if (job->attempt == 1)
		return job_fail(job, ERR_UNAVAILABLE, "not yet");
	job_set_result(job, "{\"done\":true}");
	return write_effect(job, db);
}

static enum err
do_discard(struct job *job, struct db *db, const void *payload)
{
	(void)db;
	(void)payload;
	return job_discard(job, "there is no use");
}

static enum err
do_snooze_once(struct job *job, struct db *db, const void *payload)
{
	static const struct db_stmt count = {
		.name = "jobtest_count",
		.sql = "SELECT cardinality(attempts) FROM job WHERE id = $1",
		.nargs = 1,
	};
	struct db_rows rows;
	enum err e = db_run(db, job->arena, &count, DB_ARGS(job->id), &rows);

	(void)payload;
	if (e != ERR_OK)
		return e;
	return db_get_i64(&rows, 0, 0) == 0 ? job_snooze(job, 1)
	                                    : write_effect(job, db);
}

/* Returns a result that the database cannot store. */
static enum err
do_say_nonsense(struct job *job, struct db *db, const void *payload)
{
	(void)payload;
	job_set_result(job, "{\"n\":18446744073709551616}");
	return write_effect(job, db);
}

struct other {
	const char *id;
};

/* clang-format off */
static const struct field other_fields[] = {
	{ FIELD(struct other, id, "id"), .required = true, .format = FMT_UUID },
	{ 0 },
};
/* clang-format on */

/*
 * Cancels another job.  This takes effect at once, because it is not done in
 * the handler's transaction.
 */
static enum err
do_cancel_other(struct job *job, struct db *db, const void *payload)
{
	static const struct db_stmt cancel = {
		.name = "jobtest_cancel",
		.sql = "SELECT job_cancel($1)",
		.nargs = 1,
	};
	const struct service_process *process = job->app;
	const struct other *other = payload;

	(void)db;
	return db_run(process->db, job->arena, &cancel, DB_ARGS(other->id),
	    /* ret_rows= */ NULL);
}

static enum err
do_crash(struct job *job, struct db *db, const void *payload)
{
	enum err e = write_effect(job, db);

	(void)e;
	(void)payload;
	signal(SIGABRT, SIG_DFL);
	abort();
}

static const struct db_stmt insert_deferred = {
	.name = "jobtest_insert_deferred",
	.sql = "INSERT INTO jobtest_deferred (other) VALUES (0)",
};

/* Violates a constraint that is only checked at commit. */
static enum err
do_break_deferred(struct job *job, struct db *db, const void *payload)
{
	(void)payload;
	return db_run(db, job->arena, &insert_deferred, DB_NO_ARGS, NULL);
}

#define WAIT_SCHEMA SCHEMA(struct wait, wait_fields)
#define AT_ONCE                                                     \
	{                                                           \
		.policy = BACKOFF_CONSTANT, .base_s = 1, .max_s = 1 \
	}

/* clang-format off */
static const struct job_kind kinds[] = {
	{ .name = "noop", .handle = do_nothing, .queue = "bulk" },
	{ .name = "write", .handle = do_write },
	{ .name = "write.wait", .handle = do_write_and_wait,
	  .payload = WAIT_SCHEMA, .backoff = AT_ONCE },
	{ .name = "wait", .handle = do_wait, .external = true,
	  .payload = WAIT_SCHEMA, .backoff = AT_ONCE },
	{ .name = "limited", .handle = do_write_and_wait, .queue = "limited",
	  .payload = WAIT_SCHEMA },
	{ .name = "fail", .handle = do_fail, .max_attempts = 3,
	  .backoff = AT_ONCE },
	{ .name = "fail.sql", .handle = do_fail_in_sql, .max_attempts = 1 },
	{ .name = "fail.once", .handle = do_fail_once, .backoff = AT_ONCE },
	{ .name = "discard", .handle = do_discard },
	{ .name = "snooze.once", .handle = do_snooze_once },
	{ .name = "nonsense", .handle = do_say_nonsense, .max_attempts = 1 },
	{ .name = "cancel.other", .handle = do_cancel_other,
	  .payload = SCHEMA(struct other, other_fields) },
	{ .name = "crash", .handle = do_crash, .max_attempts = 2,
	  .backoff = AT_ONCE },
	{ .name = "deferred", .handle = do_break_deferred, .max_attempts = 1 },
	{ .name = "late", .handle = do_write_and_wait, .max_attempts = 1,
	  .payload = WAIT_SCHEMA, .time_limit_s = 1 },
	{ .name = "tick", .handle = do_write },
	{ 0 },
};
static const struct job_kind *const kind_lists[] = { kinds, NULL };

static const struct job_queue queues[] = {
	{ "default", 0 },
	{ "limited", 1 },
	{ 0 },
};

/*
 * The test fires these schedules itself, and counts the jobs.  Schedules whose
 * jobs are counted are due only once a year, so that no run of the test meets
 * such a time, and in a time zone whose offset does not change.
 */
static const struct job_schedule schedules[] = {
	{ .name = "once", .cron = "30 2 1 7 *", .timezone = "<+0545>-5:45",
	  .kind = "tick" },
	{ .name = "skip", .cron = "30 4 1 1 *", .kind = "tick",
	  .catch_up = CATCH_UP_SKIP },
	{ .name = "single", .cron = "30 4 1 1 *", .kind = "tick",
	  .single = true },
	{ .name = "all", .cron = "0 * * * *", .kind = "tick",
	  .catch_up = CATCH_UP_ALL },
	{ 0 },
};

static const struct job_schedule newer_schedules[] = {
	{ .name = "once", .cron = "30 2 1 7 *", .timezone = "<+0545>-5:45",
	  .kind = "tick" },
	{ .name = "all", .cron = "15 * * * *", .kind = "tick",
	  .catch_up = CATCH_UP_ALL },
	{ .name = "new", .cron = "30 6 1 4 *", .kind = "tick" },
	{ 0 },
};

static const struct job_set jobs = {
	.kinds = kind_lists,
	.queues = queues,
	.schedules = schedules,
};
static const struct job_set newer_jobs = {
	.kinds = kind_lists,
	.queues = queues,
	.schedules = newer_schedules,
};
static const struct route no_routes[] = { { 0 } };
static const struct route *const routes[] = { no_routes, NULL };
/* clang-format on */

static const struct service service = {
	.name = "jobtest",
	.title = "Jobs under test",
	.prefix = "/api/jobtest",
	.routes = routes,
};

static struct service_config config;

static const struct service_program program = {
	.name = "jobtest",
	.service = &service,
	.config = &config,
	.jobs = &jobs,
};

int
main(int argc, char **argv)
{
	static struct service_program newer;

	newer = program;
	newer.jobs = &newer_jobs;
	return service_main(
	    getenv("JOBTEST_NEWER") != NULL ? &newer : &program, argc, argv);
}

/*
 * jobs_service: a service that only has jobs, for bench/jobs.
 *
 *   bench_jobs --worker    runs the jobs
 *   bench_jobs wake N      enqueues N jobs, one at a time, at random moments,
 *                          and prints after how many ms each started, one per
 *                          line
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/service_main.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/str.h"
#include "db/db.h"
#include "job/job.h"

enum {
	WAKES_MAX = 10000,
	PAUSE_MIN_MS = 10,
	PAUSE_SPREAD_MS = 150,
	/* How long to wait for the last job to end. */
	SETTLE_MS = 1000,
};

static enum err
do_nothing(struct job *job, struct db *db, const void *payload)
{
	(void)job;
	(void)db;
	(void)payload;
	return ERR_OK;
}

/* Records when the job started, by the clock of this machine. */
static enum err
do_stamp(struct job *job, struct db *db, const void *payload)
{
	(void)db;
	(void)payload;
	job_set_result(
	    job, arena_printf(job->arena, "{\"beganUs\":%" PRId64 "}",
		     clock_monotonic_us()));
	return ERR_OK;
}

/* clang-format off */
static const struct job_kind kinds[] = {
	{ .name = "noop", .handle = do_nothing },
	{ .name = "stamp", .handle = do_stamp },
	{ 0 },
};
static const struct job_kind *const kind_lists[] = { kinds, NULL };
static const struct job_set jobs = { .kinds = kind_lists };

static const struct route no_routes[] = { { 0 } };
static const struct route *const routes[] = { no_routes, NULL };
/* clang-format on */

static const struct service service = {
	.name = "bench",
	.title = "Jobs that are measured",
	.prefix = "/api/bench",
	.routes = routes,
};

static struct service_config config;

static const struct service_program program = {
	.name = "bench",
	.service = &service,
	.config = &config,
	.jobs = &jobs,
};

/* -- how long a worker takes to wake up -- */

struct wake {
	const char *job_id;
	int64_t
	    commit_us; /* the monotonic time just before the COMMIT was sent */
};

static void
sleep_ms(int64_t ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) != 0)
		continue;
}

static enum err
enqueue_stamp(struct db *tx, struct arena *a, void *ctx)
{
	const struct job_kind *stamp = &kinds[1];
	struct wake *wake = ctx;
	struct job_enqueued job;
	enum err e;

	e = job_enqueue(tx, a, stamp, "{}", /* options= */ NULL, &job);
	if (e != ERR_OK)
		return e;
	wake->job_id = arena_strdup(a, job.id);
	wake->commit_us = clock_monotonic_us();
	return ERR_OK;
}

static const struct db_stmt select_began = {
	.name = "bench_select_began",
	.sql = "SELECT result ->> 'beganUs' FROM job"
	       " WHERE id = $1 AND state = 'completed'",
	.nargs = 1,
	.read_only = true,
};

/* Returns false when the job has not ended yet. */
static bool
print_latency(struct db *db, struct arena *a, const struct wake *wake)
{
	struct db_rows rows;
	int64_t began_us;

	if (db_run(db, a, &select_began, DB_ARGS(wake->job_id), &rows) !=
		ERR_OK ||
	    rows.count == 0)
		return false;
	began_us = db_get_i64(&rows, 0, 0);
	printf("%.3f\n", (double)(began_us - wake->commit_us) / 1e3);
	return true;
}

static bool
wake_up(struct db *db, struct arena *a, struct wake *wakes, int n)
{
	unsigned char byte;
	int i;

	for (i = 0; i < n; i++) {
		random_bytes(&byte, sizeof(byte));
		sleep_ms(PAUSE_MIN_MS + byte * PAUSE_SPREAD_MS / 255);
		if (db_transact(db, a, enqueue_stamp, &wakes[i]) != ERR_OK)
			return false;
	}
	sleep_ms(SETTLE_MS);
	for (i = 0; i < n; i++) {
		if (!print_latency(db, a, &wakes[i]))
			return false;
	}
	return true;
}

static int
wake(int n)
{
	struct service_process process;
	struct arena *a;
	bool good;

	if (!service_configure(&program) ||
	    !service_process_init(&process, &program))
		return 1;
	a = arena_new();
	good = wake_up(
	    process.db, a, arena_alloc(a, (size_t)n * sizeof(struct wake)), n);
	arena_free(a);
	service_process_release(&process);
	return good ? 0 : 1;
}

int
main(int argc, char **argv)
{
	int64_t n;

	if (argc == 3 && str_eq(argv[1], "wake") &&
	    str_i64(argv[2], 1, WAKES_MAX, &n))
		return wake((int)n);
	return service_main(&program, argc, argv);
}

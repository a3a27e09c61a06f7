#include "job/job_worker.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "db/db.h"
#include "job/job_attempt.h"
#include "job/job_backlog.h"
#include "job/job_batch_commit.h"
#include "job/job_claim_cursor.h"
#include "job/job_count.h"
#include "job/job_heartbeat.h"
#include "job/job_reclaim.h"
#include "job/job_service.h"
#include "job/job_set.h"
#include "job/job_store.h"
#include "job/job_worker_slot.h"
#include "job/job_worker_state.h"
#include "job/log_events.h"
#include "process/master.h"

enum {
	NAME_SIZE = 200,
	TIME_TEXT_SIZE = 64,
	SECOND_US = 1000 * 1000,
	RETRY_US = 200 * 1000,
	PROMOTE_MAX = 1000,
	PROMOTE_COST_FACTOR = 20,
	UNREGISTER_TRIES = 3,
};

struct queue {
	struct job_queue declared;
	struct job_claim_cursor cursor;
	struct job_claim_size size;
};

/* State of moving jobs whose time has come to the jobs that can be claimed. */
struct promotion {
	char after[TIME_TEXT_SIZE]; /* where the next scan begins */
	int64_t due_us; /* when to scan again */
	int64_t full_us; /* when to scan from the front again */
};

struct job_worker {
	struct job_runner runner;
	const struct job_config *config;
	struct arena *arena; /* memory of one claim */
	struct job_worker_slot *slot;
	struct job_heartbeat *heartbeat;
	char name[NAME_SIZE];
	int64_t id; /* id of the registration; 0: not registered */
	/*
	 * A statement failed, so it is not known which jobs this worker has
	 * claimed.  It must register again, which releases them.
	 */
	bool in_doubt;
	struct queue queues[JOB_QUEUES_MAX];
	int nqueues;
	struct promotion promotion;
	int64_t slots_us; /* when to look for dead worker processes again */
};

/* -- the registration -- */

static void
set_id(struct job_worker *w, int64_t id)
{
	w->id = id;
	job_worker_slot_set_worker(w->slot, id);
	job_worker_state_set_worker(w->runner.state, id);
}

/*
 * Deletes the worker's registration, which releases the jobs that the worker
 * has claimed.
 */
static bool
unregister(struct job_worker *w)
{
	int64_t released = 0;

	if (w->id != 0 &&
	    job_reclaim(w->runner.work, w->arena, w->id, JOB_NO_ID,
		/* error= */ NULL, &released) != ERR_OK)
		return false;
	if (released > 0)
		log_event(
		    LOG_INFO, EVENT_JOBS_RELEASED, LOG_NUM("jobs", released));
	set_id(w, 0);
	return true;
}

/* Registers the worker. Returns false when the database does not answer. */
static bool
ensure_registered(struct job_worker *w)
{
	int64_t id;

	if (w->id != 0 && !w->in_doubt &&
	    !job_worker_state_is_lost(w->runner.state))
		return true;
	if (!unregister(w) ||
	    job_store_declare_kinds(w->runner.work, w->arena, w->runner.set) !=
		ERR_OK ||
	    job_store_register(w->runner.work, w->arena, w->name, &id) !=
		ERR_OK)
		return false;
	set_id(w, id);
	w->in_doubt = false;
	return true;
}

static bool
must_stop(const struct job_worker *w)
{
	return w->in_doubt || job_worker_state_is_draining(w->runner.state) ||
	       job_worker_state_is_lost(w->runner.state);
}

/* -- dead workers -- */

static bool
reclaim_dead(void *ctx, const struct job_dead_worker *dead)
{
	struct job_worker *w = ctx;
	const char *error = "the worker died";
	int64_t jobs;

	if (dead->timed_out_s > 0)
		error = arena_printf(w->arena, "time limit of %lld s exceeded",
		    (long long)dead->timed_out_s);
	if (job_reclaim(w->runner.work, w->arena, dead->worker_id,
		dead->running[0] != '\0' ? dead->running : JOB_NO_ID, error,
		&jobs) != ERR_OK)
		return false;
	log_event(LOG_WARN, EVENT_JOBS_RECLAIMED_DEAD,
	    LOG_NUM("dead", dead->worker_id), LOG_NUM("jobs", jobs),
	    LOG_TEXT("job", dead->running));
	return true;
}

static void
look_for_dead_workers(struct job_worker *w, int64_t now_us)
{
	if (now_us < w->slots_us)
		return;
	w->slots_us = now_us + SECOND_US;
	(void)job_worker_slots_find_dead(reclaim_dead, w);
}

/* -- jobs whose time has come -- */

/* Makes jobs claimable whose time has come. Returns true if there were any. */
static bool
promote(struct job_worker *w, int64_t now_us)
{
	struct promotion *t = &w->promotion;
	bool full = now_us >= t->full_us;
	struct job_promoted p;
	int64_t end_us, cost_us;

	if (job_store_promote(w->runner.work, w->arena,
		full ? "-infinity" : t->after, PROMOTE_MAX, &p) != ERR_OK) {
		w->in_doubt = true;
		return false;
	}
	str_copy(t->after, sizeof(t->after), p.last_at);
	end_us = clock_monotonic_us();
	cost_us = (end_us - now_us) * PROMOTE_COST_FACTOR;
	if (full)
		t->full_us =
		    end_us + (cost_us > SECOND_US ? cost_us : SECOND_US);
	t->due_us = end_us + w->config->worker_poll_ms * 1000;
	if (p.next_ms < w->config->worker_poll_ms)
		t->due_us = end_us + p.next_ms * 1000;
	return p.moved > 0;
}

/* -- a queue -- */

static int
claim(struct job_worker *w, struct queue *q, enum job_scan scan,
    struct job_claimed **ret_jobs)
{
	int64_t began_us = clock_monotonic_us();
	const struct job_claim_request request = {
		.worker_id = w->id,
		.queue = q->declared.name,
		.after = job_claim_cursor_position(&q->cursor, scan),
		.limit = job_claim_size_next(&q->size),
		.slots = q->declared.concurrency,
	};
	int count;

	/* The claim may have been made although its answer was lost. */
	if (job_store_claim(w->runner.work, w->arena, &request, ret_jobs,
		&count) != ERR_OK) {
		w->in_doubt = true;
		return 0;
	}
	job_claim_cursor_advance(&q->cursor, scan, *ret_jobs, count,
	    request.limit, began_us, clock_monotonic_us());
	return count;
}

static void
run_claim(struct job_worker *w, struct queue *q, const struct job_claimed *jobs,
    int count)
{
	int at = 0;

	job_backlog_set(w->runner.backlog, jobs, count);
	while (at < count && !must_stop(w)) {
		int n = job_batch_commit_run(
		    &w->runner, jobs + at, count - at, &q->size);

		arena_reset(w->runner.arena);
		if (n == 0)
			break;
		at += n;
	}
	/*
	 * Registering again releases the jobs of this claim that have not run.
	 */
	if (!job_backlog_clear(w->runner.backlog) || at < count)
		w->in_doubt = true;
}

/* Claims and runs jobs of one queue. Returns true if there were any. */
static bool
work_on_queue(struct job_worker *w, struct queue *q)
{
	enum job_scan scan =
	    job_claim_cursor_next(&q->cursor, SCAN_NONE, clock_monotonic_us());
	struct job_claimed *jobs;
	int count = 0;

	while (scan != SCAN_NONE && count == 0 && !must_stop(w)) {
		count = claim(w, q, scan, &jobs);
		if (count == 0)
			scan = job_claim_cursor_next(
			    &q->cursor, scan, clock_monotonic_us());
	}
	if (count > 0)
		run_claim(w, q, jobs, count);
	arena_reset(w->arena);
	return count > 0;
}

/* -- the loop -- */

/* Makes one claim from each queue in turn. Returns true if there were jobs. */
static bool
work_on_queues(struct job_worker *w)
{
	bool any = false;

	for (int i = 0; i < w->nqueues && !must_stop(w); i++)
		any |= work_on_queue(w, &w->queues[i]);
	return any;
}

static void
work_once(struct job_worker *w, bool *woken)
{
	int64_t now_us = clock_monotonic_us();
	bool any;

	if (!ensure_registered(w)) {
		arena_reset(w->arena);
		job_worker_state_pause(w->runner.state, now_us + RETRY_US);
		return;
	}
	look_for_dead_workers(w, now_us);
	any = work_on_queues(w);
	now_us = clock_monotonic_us();
	/*
	 * The notification that woke this worker may be about a job that is due
	 * later.
	 */
	if (!must_stop(w) && (now_us >= w->promotion.due_us || *woken))
		any |= promote(w, now_us);
	*woken = false;
	arena_reset(w->arena);
	/* A statement has just failed: wait before repeating it. */
	if (w->in_doubt)
		job_worker_state_pause(
		    w->runner.state, clock_monotonic_us() + RETRY_US);
	if (any || must_stop(w))
		return;
	now_us += w->config->worker_poll_ms * 1000;
	if (w->promotion.due_us < now_us)
		now_us = w->promotion.due_us;
	job_worker_state_wait(w->runner.state, now_us);
	*woken = true;
}

static void
loop(struct job_worker *w)
{
	bool woken = true;

	while (!job_worker_state_is_draining(w->runner.state))
		work_once(w, &woken);
}

/* -- the beginning and the end -- */

static void
make_name(struct job_worker *w, const struct worker *process)
{
	struct utsname host;

	if (uname(&host) != 0)
		host.nodename[0] = '\0';
	snprintf(w->name, sizeof(w->name), "%s/%s-%d/%d", host.nodename,
	    w->runner.service->name, process->index, (int)getpid());
}

static void
open_worker(struct job_worker *w, const struct worker *process)
{
	struct job_runner *r = &w->runner;
	struct db_options database = r->service->database;
	struct job_queue queues[JOB_QUEUES_MAX];

	make_name(w, process);
	snprintf(w->promotion.after, TIME_TEXT_SIZE, "-infinity");
	w->nqueues = job_set_queues(r->set, queues);
	for (int i = 0; i < w->nqueues; i++)
		w->queues[i].declared = queues[i];
	w->arena = arena_new();
	r->arena = arena_new();
	r->counts = job_counts_new(r->set);
	r->backlog = job_backlog_new();
	for (size_t i = 0; i < COUNT_OF(r->took_us); i++)
		r->took_us[i] = -1;
	/*
	 * One connection is enough, because a worker runs one job at a time.
	 * job_attempt_run() sets the time limit of a handler's statements.
	 */
	database.connections = 1;
	r->work = db_open(&database);
	w->slot = job_worker_slot_take();
	r->state = job_worker_state_new(w->slot);
	w->heartbeat = job_heartbeat_start(&(struct job_heartbeat_options){
	    .service = r->service,
	    .counts = r->counts,
	    .backlog = r->backlog,
	    .state = r->state,
	    .slot = w->slot,
	});
}

static void
close_worker(struct job_worker *w)
{
	bool released = false;

	for (int i = 0; i < UNREGISTER_TRIES && !released; i++)
		released = unregister(w);
	job_heartbeat_stop(w->heartbeat);
	/*
	 * If the jobs were not released, the slot keeps the worker's id, and
	 * the next worker that looks at the slot reclaims the jobs.
	 */
	if (released)
		job_worker_slot_release(w->slot);
	db_close(w->runner.work);
	job_worker_state_free(w->runner.state);
	job_counts_free(w->runner.counts);
	job_backlog_free(w->runner.backlog);
	arena_free(w->runner.arena);
	arena_free(w->arena);
}

void
job_work_prepare(void)
{
	job_worker_slots_prepare();
	job_counts_prepare();
}

int
job_work(const struct worker *w, struct job_service *service)
{
	static struct job_worker
	    self; /* static: its 30 KiB are too much for the stack */

	self = (struct job_worker){
		.runner = { .service = service, .set = service->set },
		.config = service->config,
	};
	open_worker(&self, w);
	worker_ready(w);
	log_event(LOG_INFO, EVENT_JOB_WORKER_STARTED,
	    LOG_TEXT("name", self.name), LOG_NUM("queues", self.nqueues));
	loop(&self);
	close_worker(&self);
	return 0;
}

#include "job/job_worker.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "app/service_config.h"
#include "app/service_main.h"
#include "app/service_process.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "job/job_attempt.h"
#include "job/job_batch.h"
#include "job/job_count.h"
#include "job/job_group.h"
#include "job/job_kinds.h"
#include "job/job_look.h"
#include "job/job_pulse.h"
#include "job/job_rescue.h"
#include "job/job_rest.h"
#include "job/job_seat.h"
#include "job/job_set.h"
#include "job/job_store.h"
#include "process/master.h"

enum {
	NAME_SIZE = 200,
	TIME_TEXT_SIZE = 64,
	ACQUIRE_TIMEOUT_MS = 2000,
	SECOND_US = 1000 * 1000,
	AWAY_US = 200 * 1000,
	PROMOTE_MAX = 1000,
	PROMOTE_COST_FACTOR = 20,
	LEAVE_TRIES = 3,
};

struct queue {
	struct job_queue declared;
	struct job_look look;
	struct job_batch batch;
};

/* The waiting jobs that become due. */
struct waiting {
	char after[TIME_TEXT_SIZE];
	int64_t due_us; /* when to look again */
	int64_t full_us; /* when to look from the front again */
};

struct job_worker {
	struct job_runner runner;
	const struct service_config *config;
	struct arena *arena; /* of a batch */
	struct job_seat *seat;
	char name[NAME_SIZE];
	int64_t id; /* 0: not registered */
	/* What we have claimed, or whether we have, is not known any more. */
	bool in_doubt;
	struct queue queues[JOB_QUEUES_MAX];
	int nqueues;
	struct waiting waiting;
	int64_t seats_us; /* when to look at the seats again */
};

/* -- being there -- */

static void
set_id(struct job_worker *w, int64_t id)
{
	w->id = id;
	job_seat_set_worker(w->seat, id);
	job_pulse_set_worker(w->runner.pulse, id);
}

/* Gives back what we have claimed, and ends our registration. */
static bool
unregister(struct job_worker *w)
{
	int64_t released = 0;

	if (w->id != 0 && job_rescue(w->runner.work, w->arena, w->id, JOB_NO_ID,
			      /* error= */ NULL, &released) != ERR_OK)
		return false;
	if (released > 0)
		log_event(LOG_INFO, "jobs were given back",
		    LOG_NUM("jobs", released));
	set_id(w, 0);
	return true;
}

/* False: the database is away. */
static bool
be_registered(struct job_worker *w)
{
	int64_t id;

	if (w->id != 0 && !w->in_doubt && !job_pulse_is_lost(w->runner.pulse))
		return true;
	if (!unregister(w) ||
	    job_kinds_declare(w->runner.work, w->arena, w->runner.set) !=
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
	return w->in_doubt || job_pulse_is_draining(w->runner.pulse) ||
	       job_pulse_is_lost(w->runner.pulse);
}

/* -- others that are not -- */

static bool
end_dead(void *ctx, const struct job_dead *dead)
{
	struct job_worker *w = ctx;
	const char *error = "the worker died";
	int64_t jobs;

	if (dead->overtime_s > 0)
		error = arena_printf(w->arena, "time limit of %lld s exceeded",
		    (long long)dead->overtime_s);
	if (job_rescue(w->runner.work, w->arena, dead->worker_id,
		dead->running[0] != '\0' ? dead->running : JOB_NO_ID, error,
		&jobs) != ERR_OK)
		return false;
	log_event(LOG_WARN, "a worker died; its jobs were freed",
	    LOG_NUM("dead", dead->worker_id), LOG_NUM("jobs", jobs),
	    LOG_TEXT("job", dead->running));
	return true;
}

static void
look_at_seats(struct job_worker *w, int64_t now_us)
{
	if (now_us < w->seats_us)
		return;
	w->seats_us = now_us + SECOND_US;
	(void)job_seats_look(end_dead, w);
}

/* -- jobs that wait for their time -- */

/* Returns whether some became ready. */
static bool
promote(struct job_worker *w, int64_t now_us)
{
	struct waiting *t = &w->waiting;
	bool full = now_us >= t->full_us;
	struct job_promoted p;
	int64_t end_us, cost_us;

	if (job_store_promote(w->runner.work, w->arena,
		full ? "-infinity" : t->after, PROMOTE_MAX, &p) != ERR_OK) {
		w->in_doubt = true;
		return false;
	}
	snprintf(t->after, sizeof(t->after), "%s", p.last_at);
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
claim(struct job_worker *w, struct queue *q, enum job_look_kind kind,
    struct job_claimed **ret_jobs)
{
	int64_t began_us = clock_monotonic_us();
	const struct job_claim_what what = {
		.worker_id = w->id,
		.queue = q->declared.name,
		.after = job_look_after(&q->look, kind),
		.limit = job_batch_size(&q->batch),
		.slots = q->declared.concurrency,
	};
	int count;

	/* It may have been done, and the answer lost. */
	if (job_store_claim(
		w->runner.work, w->arena, &what, ret_jobs, &count) != ERR_OK) {
		w->in_doubt = true;
		return 0;
	}
	job_look_done(&q->look, kind, *ret_jobs, count, what.limit, began_us,
	    clock_monotonic_us());
	return count;
}

static void
run_batch(struct job_worker *w, struct queue *q, const struct job_claimed *jobs,
    int count)
{
	int at = 0;

	job_rest_set(w->runner.rest, jobs, count);
	while (at < count && !must_stop(w)) {
		int n =
		    job_group_run(&w->runner, jobs + at, count - at, &q->batch);

		arena_reset(w->runner.arena);
		if (n == 0)
			break;
		at += n;
	}
	/* What is left goes back with the registration. */
	if (!job_rest_clear(w->runner.rest) || at < count)
		w->in_doubt = true;
}

/* Returns whether there was anything to do. */
static bool
work_on_queue(struct job_worker *w, struct queue *q)
{
	enum job_look_kind kind =
	    job_look_next(&q->look, LOOK_NONE, clock_monotonic_us());
	struct job_claimed *jobs;
	int count = 0;

	while (kind != LOOK_NONE && count == 0 && !must_stop(w)) {
		count = claim(w, q, kind, &jobs);
		if (count == 0)
			kind =
			    job_look_next(&q->look, kind, clock_monotonic_us());
	}
	if (count > 0)
		run_batch(w, q, jobs, count);
	arena_reset(w->arena);
	return count > 0;
}

/* -- the loop -- */

/* Each queue gets its turn. */
static bool
work_on_queues(struct job_worker *w)
{
	bool any = false;

	for (int i = 0; i < w->nqueues && !must_stop(w); i++)
		any |= work_on_queue(w, &w->queues[i]);
	return any;
}

static void
turn(struct job_worker *w, bool *woken)
{
	int64_t now_us = clock_monotonic_us();
	bool any;

	if (!be_registered(w)) {
		arena_reset(w->arena);
		job_pulse_pause(w->runner.pulse, now_us + AWAY_US);
		return;
	}
	look_at_seats(w, now_us);
	any = work_on_queues(w);
	now_us = clock_monotonic_us();
	/* A wake-up can be for a job that is due later. */
	if (!must_stop(w) && (now_us >= w->waiting.due_us || *woken))
		any |= promote(w, now_us);
	*woken = false;
	arena_reset(w->arena);
	/* Whatever failed would fail again at once. */
	if (w->in_doubt)
		job_pulse_pause(
		    w->runner.pulse, clock_monotonic_us() + AWAY_US);
	if (any || must_stop(w))
		return;
	now_us += w->config->worker_poll_ms * 1000;
	if (w->waiting.due_us < now_us)
		now_us = w->waiting.due_us;
	job_pulse_wait(w->runner.pulse, now_us);
	*woken = true;
}

static void
loop(struct job_worker *w)
{
	bool woken = true;

	while (!job_pulse_is_draining(w->runner.pulse))
		turn(w, &woken);
}

/* -- the beginning and the end -- */

static void
make_name(struct job_worker *w, const struct worker *place)
{
	struct utsname host;

	if (uname(&host) != 0)
		host.nodename[0] = '\0';
	snprintf(w->name, sizeof(w->name), "%s/%s-%d/%d", host.nodename,
	    w->runner.process->program->name, place->index, (int)getpid());
}

static void
open_worker(struct job_worker *w, const struct worker *place)
{
	struct job_runner *r = &w->runner;
	const char *name = r->process->program->name;
	struct job_queue queues[JOB_QUEUES_MAX];

	make_name(w, place);
	snprintf(w->waiting.after, TIME_TEXT_SIZE, "-infinity");
	w->nqueues = job_set_queues(r->set, queues);
	for (int i = 0; i < w->nqueues; i++)
		w->queues[i].declared = queues[i];
	w->arena = arena_new();
	r->arena = arena_new();
	r->counts = job_counts_new(r->set);
	r->rest = job_rest_new();
	for (size_t i = 0; i < COUNT_OF(r->took_us); i++)
		r->took_us[i] = -1;
	r->work = db_open(&(struct db_options){
	    .url = w->config->database_url,
	    .application_name = name,
	    .connections = 1,
	    .acquire_timeout_ms = ACQUIRE_TIMEOUT_MS,
	    /* Of the library's statements; a handler's take as it may. */
	    .statement_timeout_ms = w->config->database_timeout_ms,
	    .slow_ms = w->config->database_slow_ms,
	});
	w->seat = job_seat_take();
	r->pulse = job_pulse_start(&(struct job_pulse_options){
	    .config = w->config,
	    .name = name,
	    .set = r->set,
	    .counts = r->counts,
	    .rest = r->rest,
	    .seat = w->seat,
	});
}

static void
close_worker(struct job_worker *w)
{
	bool gone = false;

	for (int i = 0; i < LEAVE_TRIES && !gone; i++)
		gone = unregister(w);
	job_pulse_stop(w->runner.pulse);
	/* Else whoever looks next at the seat does it. */
	if (gone)
		job_seat_leave(w->seat);
	db_close(w->runner.work);
	job_counts_free(w->runner.counts);
	job_rest_free(w->runner.rest);
	arena_free(w->runner.arena);
	arena_free(w->arena);
}

void
job_work_prepare(void)
{
	job_seats_prepare();
	job_counts_prepare();
}

int
job_work(const struct worker *w, struct service_process *process,
    const struct job_set *set)
{
	static struct job_worker self; /* some 30 KiB */

	self = (struct job_worker){
		.runner = { .process = process, .set = set },
		.config = process->config,
	};
	open_worker(&self, w);
	worker_ready(w);
	log_event(LOG_INFO, "working", LOG_TEXT("name", self.name),
	    LOG_NUM("queues", self.nqueues));
	loop(&self);
	close_worker(&self);
	return 0;
}

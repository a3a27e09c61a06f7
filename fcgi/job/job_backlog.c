#include "job/job_backlog.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/db_listen.h"
#include "job/job_store.h"
#include "job/log_events.h"

struct job_backlog {
	int fd; /* an eventfd that wakes the heartbeat thread */
	pthread_mutex_t mutex; /* guards all members below */
	pthread_cond_t released;
	const struct job_claimed *jobs; /* NULL: nothing is claimed */
	int next; /* index of the first job that has not started */
	int end; /* the jobs from this index on have been released */
	int64_t due_us;
	/* a release is in progress: job_backlog_released() must follow */
	bool releasing;
	bool failed; /* a release of jobs of this claim has failed */
};

struct job_backlog *
job_backlog_new(void)
{
	struct job_backlog *b = calloc(1, sizeof(*b));

	if (b == NULL)
		abort();
	b->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->fd < 0 || pthread_mutex_init(&b->mutex, NULL) != 0 ||
	    pthread_cond_init(&b->released, NULL) != 0)
		abort();
	return b;
}

void
job_backlog_free(struct job_backlog *b)
{
	if (b == NULL)
		return;
	close(b->fd);
	pthread_cond_destroy(&b->released);
	pthread_mutex_destroy(&b->mutex);
	free(b);
}

void
job_backlog_set(
    struct job_backlog *b, const struct job_claimed *jobs, int count)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&b->mutex);
	b->jobs = jobs;
	b->next = 0;
	b->end = count;
	b->due_us = clock_monotonic_us() + JOB_BACKLOG_MAX_WAIT_MS * 1000LL;
	b->failed = false;
	pthread_mutex_unlock(&b->mutex);
	/* A claim of a single job leaves no backlog: the job starts at once. */
	if (count > 1 && write(b->fd, &one, sizeof(one)) != sizeof(one))
		abort();
}

bool
job_backlog_start(struct job_backlog *b, const struct job_claimed *job)
{
	bool ours;
	int index;

	pthread_mutex_lock(&b->mutex);
	index = (int)(job - b->jobs);
	ours = index < b->end;
	/*
	 * A job runs a second time after its batch was rolled back. Then the
	 * jobs after it run again, too.
	 */
	if (ours)
		b->next = index + 1;
	pthread_mutex_unlock(&b->mutex);
	return ours;
}

bool
job_backlog_clear(struct job_backlog *b)
{
	bool stored;

	pthread_mutex_lock(&b->mutex);
	while (b->releasing)
		pthread_cond_wait(&b->released, &b->mutex);
	b->jobs = NULL;
	b->next = b->end = 0;
	stored = !b->failed;
	pthread_mutex_unlock(&b->mutex);
	return stored;
}

int
job_backlog_fd(const struct job_backlog *b)
{
	return b->fd;
}

int64_t
job_backlog_due_us(struct job_backlog *b)
{
	int64_t due_us = INT64_MAX;
	uint64_t count;

	(void)!read(b->fd, &count, sizeof(count));
	pthread_mutex_lock(&b->mutex);
	if (b->jobs != NULL && b->next < b->end)
		due_us = b->due_us;
	pthread_mutex_unlock(&b->mutex);
	return due_us;
}

/*
 * Copies what a release needs of the jobs: the job thread may free its own copy
 * at any time.
 */
static struct job_claimed *
copy_jobs(struct arena *a, const struct job_claimed *jobs, int count)
{
	struct job_claimed *out = arena_alloc(a, (size_t)count * sizeof(*out));

	for (int i = 0; i < count; i++)
		out[i] = (struct job_claimed){
			.id = arena_strdup(a, jobs[i].id),
			.kind = arena_strdup(a, jobs[i].kind),
			.fence = jobs[i].fence,
		};
	return out;
}

int
job_backlog_take(
    struct job_backlog *b, struct arena *a, const struct job_claimed **ret_jobs)
{
	int count = 0;

	pthread_mutex_lock(&b->mutex);
	assert(!b->releasing);
	if (b->jobs != NULL && b->next < b->end) {
		count = b->end - b->next;
		*ret_jobs = copy_jobs(a, b->jobs + b->next, count);
		b->end = b->next;
		b->releasing = true;
	}
	pthread_mutex_unlock(&b->mutex);
	return count;
}

void
job_backlog_released(struct job_backlog *b, bool stored)
{
	pthread_mutex_lock(&b->mutex);
	b->releasing = false;
	b->failed |= !stored;
	pthread_cond_signal(&b->released);
	pthread_mutex_unlock(&b->mutex);
}

/*
 * Releases jobs and notifies idle workers, so that they claim these jobs at
 * once.
 */
static const struct db_stmt release_jobs = {
	.name = "job_release",
	.sql = "SELECT job_finish($1), pg_notify('job', '')",
	.nargs = 1,
};

static enum err
release(struct db_listen *l, struct arena *a, const struct job_claimed *jobs,
    int count)
{
	struct job_end *ends = arena_alloc(a, (size_t)count * sizeof(*ends));
	const char *text;

	for (int i = 0; i < count; i++)
		ends[i] = (struct job_end){
			.job = &jobs[i],
			.outcome = OUTCOME_RELEASED,
			.began_us = clock_monotonic_us(),
		};
	text = job_store_ends(a, ends, count);
	if (text == NULL)
		return ERR_TOO_LARGE;
	return db_listen_run(
	    l, a, &release_jobs, DB_ARGS(text), /* ret_rows= */ NULL);
}

void
job_backlog_release_due(
    struct job_backlog *b, struct db_listen *l, struct arena *a, int64_t now_us)
{
	const struct job_claimed *jobs;
	int count;
	enum err e;

	if (now_us < job_backlog_due_us(b))
		return;
	count = job_backlog_take(b, a, &jobs);
	if (count == 0)
		return;
	e = release(l, a, jobs, count);
	job_backlog_released(b, e == ERR_OK);
	if (e == ERR_OK)
		log_event(
		    LOG_INFO, EVENT_JOBS_RELEASED, LOG_NUM("jobs", count));
}

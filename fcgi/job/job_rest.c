#include "job/job_rest.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "job/job_store.h"

struct job_rest {
	int fd; /* an eventfd */
	pthread_mutex_t mutex; /* guards all that follows */
	pthread_cond_t given;
	const struct job_claimed *jobs; /* NULL: no batch */
	int next; /* the first that has not begun */
	int end; /* behind the last that is the first thread's to begin */
	int64_t due_us;
	bool giving; /* job_rest_given() is to come */
	bool failed; /* the last give-back of this batch */
};

struct job_rest *
job_rest_new(void)
{
	struct job_rest *r = calloc(1, sizeof(*r));

	if (r == NULL)
		abort();
	r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->fd < 0 || pthread_mutex_init(&r->mutex, NULL) != 0 ||
	    pthread_cond_init(&r->given, NULL) != 0)
		abort();
	return r;
}

void
job_rest_free(struct job_rest *r)
{
	if (r == NULL)
		return;
	close(r->fd);
	pthread_cond_destroy(&r->given);
	pthread_mutex_destroy(&r->mutex);
	free(r);
}

void
job_rest_set(struct job_rest *r, const struct job_claimed *jobs, int count)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&r->mutex);
	r->jobs = jobs;
	r->next = 0;
	r->end = count;
	r->due_us = clock_monotonic_us() + JOB_REST_AFTER_MS * 1000LL;
	r->failed = false;
	pthread_mutex_unlock(&r->mutex);
	/* One job has no rest: the other thread need not know of it. */
	if (count > 1 && write(r->fd, &one, sizeof(one)) != sizeof(one))
		abort();
}

bool
job_rest_begin(struct job_rest *r, const struct job_claimed *job)
{
	bool ours;
	int index;

	pthread_mutex_lock(&r->mutex);
	index = (int)(job - r->jobs);
	ours = index < r->end;
	/* A job that runs again makes those behind it wait once more. */
	if (ours)
		r->next = index + 1;
	pthread_mutex_unlock(&r->mutex);
	return ours;
}

bool
job_rest_clear(struct job_rest *r)
{
	bool good;

	pthread_mutex_lock(&r->mutex);
	while (r->giving)
		pthread_cond_wait(&r->given, &r->mutex);
	r->jobs = NULL;
	r->next = r->end = 0;
	good = !r->failed;
	pthread_mutex_unlock(&r->mutex);
	return good;
}

int
job_rest_fd(const struct job_rest *r)
{
	return r->fd;
}

int64_t
job_rest_due_us(struct job_rest *r)
{
	int64_t due_us = INT64_MAX;
	uint64_t count;

	(void)!read(r->fd, &count, sizeof(count));
	pthread_mutex_lock(&r->mutex);
	if (r->jobs != NULL && r->next < r->end)
		due_us = r->due_us;
	pthread_mutex_unlock(&r->mutex);
	return due_us;
}

/* What a give-back needs of them: the first thread's own may go any time. */
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
job_rest_take(
    struct job_rest *r, struct arena *a, const struct job_claimed **ret_jobs)
{
	int count = 0;

	pthread_mutex_lock(&r->mutex);
	assert(!r->giving);
	if (r->jobs != NULL && r->next < r->end) {
		count = r->end - r->next;
		*ret_jobs = copy_jobs(a, r->jobs + r->next, count);
		r->end = r->next;
		r->giving = true;
	}
	pthread_mutex_unlock(&r->mutex);
	return count;
}

void
job_rest_given(struct job_rest *r, bool good)
{
	pthread_mutex_lock(&r->mutex);
	r->giving = false;
	r->failed |= !good;
	pthread_cond_signal(&r->given);
	pthread_mutex_unlock(&r->mutex);
}

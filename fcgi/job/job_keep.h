/*
 * job_keep: deletes jobs that ended long enough ago.
 *
 * One worker process of all does, the one whose listening session holds an
 * advisory lock.  It goes through the jobs in the order of their ids, a
 * thousand at a time, and rests nine times as long as each step took.
 */
#ifndef JOB_JOB_KEEP_H
#define JOB_JOB_KEEP_H

#include <stdint.h>

#include "base/uuid.h"

struct arena;
struct db_listen;
struct service_config;

struct job_keep {
	const struct service_config *config;
	char after[UUID_TEXT_SIZE]; /* "": a sweep begins */
	int64_t sweep_us; /* when the next may begin */
};

void job_keep_init(struct job_keep *k, const struct service_config *config);
/* Does a step.  Returns when the next is due, on the monotonic clock. */
int64_t job_keep_step(
    struct job_keep *k, struct db_listen *l, struct arena *a, int64_t now_us);

#endif

/*
 * job_seat: who works, in memory that all worker processes of a service share.
 *
 * A worker process takes a seat for its life and notes there under which id it
 * works and which job it runs.  The seat is held by a robust mutex: when its
 * process dies, however it dies, the next one that looks finds out, and can end
 * what the dead one had claimed at once, instead of after the lease.
 */
#ifndef JOB_JOB_SEAT_H
#define JOB_JOB_SEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"

struct job_seat;

/* In the master, once, before it forks. */
void job_seats_prepare(void);

/* By the main thread of a worker.  NULL: all are taken; it works without. */
struct job_seat *job_seat_take(void);
/* Nothing is left to be ended.  NULL is fine, here and below. */
void job_seat_leave(struct job_seat *s);

void job_seat_set_worker(struct job_seat *s, int64_t worker_id);
/* The job that runs from now on; NULL: none does. */
void job_seat_set_running(struct job_seat *s, const char *job_id);
/* It is going to die, because its job took longer than it may. */
void job_seat_set_overtime(struct job_seat *s, int64_t limit_s);

struct job_dead {
	int64_t worker_id;
	char running[UUID_TEXT_SIZE]; /* "": none */
	int64_t overtime_s; /* 0: that was not the reason */
};
/*
 * Calls `end` for each worker that is dead; where it returns false, it will be
 * called again by the next look.  Returns how many were ended.
 */
int
job_seats_look(bool (*end)(void *ctx, const struct job_dead *dead), void *ctx);

#endif

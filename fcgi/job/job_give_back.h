/*
 * job_give_back: gives jobs that have waited too long behind others of their
 * batch (job_rest.h) back to their queue.  For the heartbeat thread.
 */
#ifndef JOB_JOB_GIVE_BACK_H
#define JOB_JOB_GIVE_BACK_H

#include <stdint.h>

struct arena;
struct db_listen;
struct job_rest;

/* Does it if it is due.  A failure is told to the rest, for the first thread.
 */
void job_give_back(struct job_rest *rest, struct db_listen *l, struct arena *a,
    int64_t now_us);

#endif

/* job_print: jobs, queues and schedules as text for people. */
#ifndef JOB_JOB_PRINT_H
#define JOB_JOB_PRINT_H

#include <stdint.h>

struct arena;
struct buf;
struct job_queue_view;
struct job_schedule_list;
struct job_view;

void job_print_list(
    struct arena *a, struct buf *b, const struct job_view *jobs, int64_t count);
/* Prints one job with everything that job_admin_find() returns. */
void
job_print_detail(struct arena *a, struct buf *b, const struct job_view *job);
void job_print_queues(struct arena *a, struct buf *b,
    const struct job_queue_view *queues, int count);
void job_print_schedules(
    struct arena *a, struct buf *b, const struct job_schedule_list *list);

#endif

/*
 * job_metrics: the jobs of a service in Prometheus' text format.
 *
 * All of it comes from the database, so each process of each host says the
 * same.  It is asked at most every JOB_METRICS_MS by a process, whoever scrapes
 * how often; while the database is away, there are none.
 */
#ifndef JOB_JOB_METRICS_H
#define JOB_JOB_METRICS_H

struct buf;
struct service_process;

enum { JOB_METRICS_MS = 5000 };

void job_metrics_write(struct service_process *process, struct buf *b);

#endif

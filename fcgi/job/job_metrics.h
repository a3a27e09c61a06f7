/*
 * job_metrics: the metrics of a service's jobs in Prometheus' text format.
 *
 * All values come from the database, so every process on every host reports the
 * same numbers, and no numbers while the database is unavailable. The call
 * waits for the database; app/scrape.h calls it in the background.
 */
#ifndef JOB_JOB_METRICS_H
#define JOB_JOB_METRICS_H

struct buf;
struct job_service;

void job_metrics_write(struct job_service *service, struct buf *b);

#endif

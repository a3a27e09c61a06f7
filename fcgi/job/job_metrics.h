/*
 * job_metrics: the jobs of a service in Prometheus' text format.
 *
 * All of it comes from the database, so each process of each host says the
 * same; while the database is away, there is nothing.  It waits for the
 * database: app/scrape.h calls it in the background.
 */
#ifndef JOB_JOB_METRICS_H
#define JOB_JOB_METRICS_H

struct buf;
struct job_service;

void job_metrics_write(struct job_service *service, struct buf *b);

#endif

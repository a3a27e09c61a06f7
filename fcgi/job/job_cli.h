/*
 * job_cli: `SERVICE jobs ...`, for whoever may read the service's environment.
 *
 *   SERVICE jobs list [--state S] [--kind K] [--queue Q] [--tag T] [--limit N]
 *   SERVICE jobs show ID
 *   SERVICE jobs retry ID ...
 *   SERVICE jobs cancel ID ...
 *   SERVICE jobs queues
 *   SERVICE jobs pause QUEUE
 *   SERVICE jobs resume QUEUE
 *   SERVICE jobs schedules
 *
 * Tables for people; with --json what the routes answer, for scripts.
 */
#ifndef JOB_JOB_CLI_H
#define JOB_JOB_CLI_H

struct job_service;

/* argv[0] is "jobs".  Returns the exit status; 2 is wrong usage. */
int job_cli(struct job_service *service, int argc, char **argv);

#endif

/*
 * job_cli: the command `SERVICE jobs ...`, for administrators on the host.
 *
 *   SERVICE jobs list [--state S] [--kind K] [--queue Q] [--tag T] [--limit N]
 *   SERVICE jobs show ID
 *   SERVICE jobs retry ID ...
 *   SERVICE jobs cancel ID ...
 *   SERVICE jobs enqueue KIND [PAYLOAD-JSON]
 *   SERVICE jobs queues
 *   SERVICE jobs pause QUEUE
 *   SERVICE jobs resume QUEUE
 *   SERVICE jobs schedules
 *
 * Prints tables for people; with --json, the objects that the routes send.
 */
#ifndef JOB_JOB_CLI_H
#define JOB_JOB_CLI_H

struct job_service;

/* argv[0] is "jobs".  Returns the exit status: 2 for wrong usage. */
int job_cli(struct job_service *service, int argc, char **argv);

#endif

/* report: prints what is wrong with a process that failed. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <sys/types.h>

struct process;

/*
 * Reports a process that has ended, with c->status, before all processes were
 * ready.
 */
void report_failed_start(const char *dir, const struct process *c);
/* Reports a process that is still not ready long after its start. */
void report_slow_start(const char *dir, const struct process *c);
/*
 * Reports a process that has ended, with c->status, and will be started again.
 */
void report_restart(const struct process *c, pid_t pid);

#endif

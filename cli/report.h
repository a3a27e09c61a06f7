/* report: prints what is wrong with a process that failed. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <sys/types.h>

struct process;

/* The process has ended before everything was ready, with c->status. */
void report_failed_start(const char *dir, const struct process *c);
/* The process is still not ready, long after it was started. */
void report_slow_start(const char *dir, const struct process *c);
/* The process has ended with c->status and will be started again. */
void report_restart(const struct process *c, pid_t pid);

#endif

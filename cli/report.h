/* report: what the person is told of a child that did not do as it should. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <sys/types.h>

struct process;

/* It ended before everything was ready; c->status says how. */
void report_failed_start(const char *dir, const struct process *c);
/* It still does not serve, long after it was started. */
void report_slow_start(const char *dir, const struct process *c);
/* It ended, as c->status says, and is going to be started again. */
void report_restart(const struct process *c, pid_t pid);

#endif

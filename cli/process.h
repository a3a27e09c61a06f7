/* process: what /proc says of the processes on this machine. */
#ifndef CLI_PROCESS_H
#define CLI_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
	pid_t pid;
	pid_t parent;
	pid_t group;
	char state; /* 'R', 'S', 'Z', ... */
	/* In clock ticks after boot: with the id, it names one process. */
	int64_t started_ticks;
};

/* False when there is no such process. */
bool process_find(pid_t pid, struct process *ret_process);
void process_each(void (*visit)(void *ctx, const struct process *p), void *ctx);
/* True when the process works in `dir` or below it. */
bool process_is_in(pid_t pid, const char *dir);

#endif

/* proc_info: reads /proc about the processes of this machine. */
#ifndef CLI_PROC_INFO_H
#define CLI_PROC_INFO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;

struct proc_info {
	pid_t pid;
	pid_t parent;
	pid_t group;
	char state; /* as in proc(5): 'R', 'S', 'Z', ... */
	/*
	 * Start time of the process, in clock ticks after boot. Process id and
	 * start time together identify one process.
	 */
	int64_t started_ticks;
};

/* Returns false if there is no such process. */
bool proc_info_find(pid_t pid, struct proc_info *ret_info);
void
proc_info_each(void (*visit)(void *ctx, const struct proc_info *p), void *ctx);
/*
 * The environment that the process was given when it was executed, ended by
 * NULL; what it has set since is not there.  NULL: it cannot be read.
 */
char *const *proc_info_environment(struct arena *a, pid_t pid);
/* Whether the process's working directory is `dir` or below it. */
bool proc_info_is_in(pid_t pid, const char *dir);

#endif

/*
 * restart: the state that a master process passes to itself across execve(2).
 *
 * The descriptors (by kind and name) and the list of living workers are in one
 * environment variable, which is valid only in the process that wrote it.  The
 * variable is read once and removed, so that no child process inherits it.
 */
#ifndef PROCESS_RESTART_H
#define PROCESS_RESTART_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

enum { RESTART_FDS_MAX = 64, RESTART_WORKERS_MAX = 256, RESTART_NAME_MAX = 31 };

struct restart_worker {
	char pool[RESTART_NAME_MAX + 1];
	int index;
	pid_t pid;
	int64_t kill_at_us; /* monotonic clock; 0: not told to stop yet */
};

/*
 * Whether the name is short enough and has only letters, digits, '-' and '_'.
 */
MUST_CHECK bool restart_name_ok(const char *name);
/* Copies a name that restart_name_ok() accepts. */
void restart_name_copy(char out[RESTART_NAME_MAX + 1], const char *name);

/*
 * Returns the inherited descriptor of that kind and name, close-on-exec; -1
 * when there is none.  From then on it belongs to the caller; a second call
 * with the same kind and name returns -1.
 */
int restart_take_fd(const char *kind, const char *name);
/*
 * Passes `fd` to the next binary.  restart_name_ok() must accept the name, and
 * no other descriptor of this kind may have it.
 */
void restart_keep_fd(const char *kind, const char *name, int fd);
/* Closes each inherited descriptor that restart_take_fd() has not returned. */
void restart_close_rest(void);

/*
 * Sets *ret_workers to the workers that the previous binary left running, and
 * returns their number.
 */
int restart_workers(const struct restart_worker **ret_workers);

/*
 * Executes the binary `path` in this process.  Returns only on failure, with
 * errno set and everything unchanged.
 */
void restart_exec(const char *path, char **argv,
    const struct restart_worker *workers, int nworkers);

#endif

/*
 * restart: what a master leaves to itself across execve(2).
 *
 * Descriptors by kind and name, and the workers that are still alive, travel
 * in one environment variable that is valid for this process id only; it is
 * read once and removed, so no child ever sees it.
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
	int64_t kill_at_us; /* monotonic; 0: not told to go yet */
};

/* Letters, digits, '-' and '_', and short enough. */
MUST_CHECK bool restart_name_ok(const char *name);
/* Copies a name that is ok. */
void restart_name_copy(char out[RESTART_NAME_MAX + 1], const char *name);

/*
 * The inherited descriptor of that kind and name, now the caller's and
 * close-on-exec; -1 when there is none.  It is handed out once.
 */
int restart_take_fd(const char *kind, const char *name);
/* Leaves `fd` to the next image; the name must be ok and there once. */
void restart_keep_fd(const char *kind, const char *name, int fd);
/* Closes what was inherited and nobody took. */
void restart_close_rest(void);

/* The workers that the previous image left; 0 when there was none. */
int restart_workers(const struct restart_worker **ret_workers);

/*
 * Executes `path` in this process.  Returns only when that failed, with errno
 * set and everything as it was.
 */
void restart_exec(const char *path, char **argv,
    const struct restart_worker *workers, int nworkers);

#endif

/*
 * lock: allows one supervisor per directory, and tells which process it is.
 *
 * The lock is a POSIX record lock on the file D/lock. The kernel releases it
 * when the process that holds it ends; child processes do not inherit it; and
 * the kernel tells which process holds it. The file contains that process's id
 * and start time. A process is taken for the supervisor only if both the kernel
 * and the file name it.
 *
 * Anybody who can open the file, even for reading, can lock it. So only its
 * owner may open it. Earlier releases made a file that others can open, too;
 * such a file is replaced unless a supervisor holds its lock.
 */
#ifndef CLI_LOCK_H
#define CLI_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"

#define LOCK_FILE "lock"

/*
 * Takes the lock in the working directory and keeps it until this process ends.
 * False: the lock was not taken, and an error was printed; `dir_option` is what
 * stack_dir_option() returns.
 */
MUST_CHECK bool lock_take(const char *dir, const char *dir_option);
/* The supervisor's process id; 0: no supervisor runs. */
pid_t lock_holder(void);

#endif

/*
 * lock: allows one supervisor per directory, and tells which process it is.
 *
 * It is a POSIX record lock on D/lock.  The kernel releases it when its process
 * ends, child processes do not inherit it, and the kernel tells who holds it.
 * The file has the holder's process id and start time.  A process is taken for
 * the supervisor only if both the kernel and the file name it.
 *
 * Anybody who can open the file, even for reading, can lock it.  So only its
 * owner can open it.  A file that others can open, as earlier releases made it,
 * is replaced unless a supervisor holds it.
 */
#ifndef CLI_LOCK_H
#define CLI_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"

#define LOCK_FILE "lock"

/*
 * Takes the lock in the working directory until this process ends.  False: an
 * error was printed.
 */
MUST_CHECK bool lock_take(const char *dir);
/* The supervisor's process id; 0: no supervisor runs. */
pid_t lock_holder(void);

#endif

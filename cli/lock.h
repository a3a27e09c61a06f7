/*
 * lock: one supervisor per directory, and which one it is.
 *
 * A POSIX record lock on D/lock: it goes when its process goes, however it
 * goes, it is not inherited by children, and the kernel tells who holds it.
 * The file says the holder's process id and when that process started, so a
 * holder is a supervisor only if both the kernel and the file name it.
 *
 * Whoever can open the file can lock it, be it for reading.  So only its owner
 * can; a file that others could open, as releases before this one made it, is
 * replaced unless a supervisor holds it.
 */
#ifndef CLI_LOCK_H
#define CLI_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"

#define LOCK_FILE "lock"

/* In the working directory, until this process ends.  Complains. */
MUST_CHECK bool lock_take(const char *dir);
/* The supervisor's process id, or 0 when none holds it. */
pid_t lock_holder(void);

#endif

/*
 * lock: one supervisor per directory, and which one it is.
 *
 * A POSIX record lock on D/lock: it goes when its process goes, however it
 * goes, it is not inherited by children, and the kernel tells who holds it.
 * So a number in a file is never trusted, and never a recycled one killed.
 */
#ifndef CLI_LOCK_H
#define CLI_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"

#define LOCK_FILE "lock"

/* In the working directory, until this process ends.  Complains. */
MUST_CHECK bool lock_take(const char *dir);
/* The holder's process id, or 0 when nobody holds it. */
pid_t lock_holder(void);

#endif

/*
 * shared: memory that all worker processes of a service have in common.
 *
 * An area is a memfd that the master makes before it forks.  It survives the
 * master's re-execution (see process/master.h): the new image finds the area
 * of the same name, so that workers of both generations, alive side by side
 * during a rolling restart, see the same bytes.
 *
 * Only atomics and process-shared, robust mutexes belong in an area: a worker
 * can die at any instruction.
 */
#ifndef PROCESS_SHARED_H
#define PROCESS_SHARED_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The area called `name` (letters, digits, '-', '_'; at most 31), all zeroes
 * when it is new.  *ret_fresh (may be NULL) says whether it is: false means
 * that older workers may be using it right now.  An inherited area of another
 * size is not taken: a layout that changes must change its size or its name.
 *
 * To be called once per name, in the master, before master_run().  Aborts
 * when the kernel refuses: there is no service without it.
 */
void *shared_open(const char *name, size_t size_bytes, bool *ret_fresh);

#endif

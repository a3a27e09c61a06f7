/*
 * shared: memory shared by all worker processes of a service.
 *
 * An area is a memfd that the master process creates before it forks.  The area
 * survives the master's re-execution (process/master.h): the new binary finds
 * the area by its name, so that the workers of both generations, which run at
 * the same time during a rolling restart, share the same bytes.
 *
 * An area may contain only atomics and process-shared, robust mutexes, because
 * a worker can die at any instruction.
 */
#ifndef PROCESS_SHARED_H
#define PROCESS_SHARED_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Returns the area called `name` (letters, digits, '-', '_'; at most 31
 * characters).  *ret_fresh (ret_fresh may be NULL) says whether the area is
 * new; a new area is zeroed, any other may be in use by older workers at the
 * moment.  An inherited area of another size is not used; so if the layout of
 * an area changes, its size or its name must change.
 *
 * To be called once per name, in the master process, before master_run().
 * Aborts when the kernel refuses the memory, because the service cannot run
 * without it.
 */
void *shared_open(const char *name, size_t size_bytes, bool *ret_fresh);

#endif

/*
 * job_slices: a job that changes many rows by several statements.  Each of them
 * changes at most a given number of rows and commits by itself, so that it
 * holds no lock and no snapshot for long.  For external handlers.
 */
#ifndef JOB_JOB_SLICES_H
#define JOB_JOB_SLICES_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;
struct job;

enum { JOB_SLICE_ROWS = 5000 };

/*
 * Changes at most max_rows rows; *ret_count is their number.  The arena is
 * emptied after the call.
 */
typedef enum err job_slice(const struct job *job, struct db *db,
    struct arena *a, int64_t max_rows, int64_t *ret_count);

/*
 * Calls slice() until it changes fewer than JOB_SLICE_ROWS rows.  The result of
 * the job is {"what": number of rows}.
 */
MUST_CHECK enum err job_slices_run(
    struct job *job, struct db *db, job_slice *slice, const char *what);

#endif

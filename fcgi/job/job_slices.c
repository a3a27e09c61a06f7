#include "job/job_slices.h"

#include "base/arena.h"
#include "job/job.h"

enum err
job_slices_run(
    struct job *job, struct db *db, job_slice *slice, const char *what)
{
	struct arena *a = arena_new();
	int64_t count = 0, total = 0;
	enum err e;

	do {
		arena_reset(a);
		e = slice(job, db, a, JOB_SLICE_ROWS, &count);
		total += e == ERR_OK ? count : 0;
	} while (e == ERR_OK && count == JOB_SLICE_ROWS);
	arena_free(a);
	if (e == ERR_OK)
		job_set_result(job, arena_printf(job->arena, "{\"%s\":%lld}",
					what, (long long)total));
	return e;
}

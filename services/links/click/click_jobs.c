#include "links/click/click_jobs.h"

#include <stdint.h>

#include "base/attr.h"
#include "job/job_slices.h"
#include "links/click/click_store.h"
#include "links/links.h"

enum { REFERRERS_MAX = 100 }; /* of a link on a day */

/*
 * The statement either moves its clicks or leaves them, so no click is counted
 * twice.
 */
static enum err
count_some(const struct job *job UNUSED, struct db *db, struct arena *a,
    int64_t max_rows, int64_t *ret_count)
{
	return click_aggregate(db, a, max_rows, REFERRERS_MAX, ret_count);
}

static enum err
count(struct job *job, struct db *db, const void *payload UNUSED)
{
	return job_slices_run(job, db, count_some, "rows");
}

static enum err
forget_some(const struct job *job, struct db *db, struct arena *a,
    int64_t max_rows, int64_t *ret_count)
{
	const struct links_config *config = links_config_of(job->app);

	return click_forget(
	    db, a, config->click_keep_days, max_rows, ret_count);
}

static enum err
forget(struct job *job, struct db *db, const void *payload UNUSED)
{
	return job_slices_run(job, db, forget_some, "rows");
}

/* clang-format off */
const struct job_kind click_jobs[] = {
	{ .name = "link.count", .handle = count, .external = true },
	{ .name = "link.forget-clicks", .handle = forget, .external = true },
	{ 0 },
};
/* clang-format on */

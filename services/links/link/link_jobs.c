#include "links/link/link_jobs.h"

#include <stdint.h>

#include "base/attr.h"
#include "job/job_slices.h"
#include "links/link/link_store.h"
#include "links/links.h"

static enum err
forget_some_keys(const struct job *job, struct db *db, struct arena *a,
    int64_t max_rows, int64_t *ret_count)
{
	const struct links_config *config = links_config_of(job->app);

	return link_forget_keys(
	    db, a, config->idempotency_hours, max_rows, ret_count);
}

static enum err
forget_keys(struct job *job, struct db *db, const void *payload UNUSED)
{
	return job_slices_run(job, db, forget_some_keys, "rows");
}

static enum err
forget_some_slugs(const struct job *job, struct db *db, struct arena *a,
    int64_t max_rows, int64_t *ret_count)
{
	const struct links_config *config = links_config_of(job->app);

	return link_forget_slugs(
	    db, a, config->slug_keep_days, max_rows, ret_count);
}

static enum err
forget_slugs(struct job *job, struct db *db, const void *payload UNUSED)
{
	return job_slices_run(job, db, forget_some_slugs, "rows");
}

/* clang-format off */
const struct job_kind link_jobs[] = {
	{ .name = "link.forget-keys", .handle = forget_keys, .external = true },
	{ .name = "link.forget-slugs", .handle = forget_slugs,
	  .external = true },
	{ 0 },
};

const struct job_schedule link_schedules[] = {
	{ "link.count", "* * * * *", .kind = "link.count", .single = true },
	{ "link.forget-keys", "41 * * * *", .kind = "link.forget-keys",
	  .single = true },
	{ "link.forget-slugs", "11 3 * * *", .kind = "link.forget-slugs",
	  .single = true },
	{ "link.forget-clicks", "17 3 * * *", .kind = "link.forget-clicks",
	  .single = true },
	{ 0 },
};
/* clang-format on */

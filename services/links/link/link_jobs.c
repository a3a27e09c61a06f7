#include "links/link/link_jobs.h"

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "links/link/link_store.h"
#include "links/links.h"

/*
 * The most rows that one statement deletes, so that it holds no lock and no
 * snapshot for long.
 */
enum { FORGET_AT_ONCE = 5000 };

/* Deletes what is older than `age` until nothing is left. */
static enum err
forget_all(struct job *job, struct db *db,
    enum err (*forget)(struct db *db, struct arena *a, int64_t age,
	int64_t limit, int64_t *ret_count),
    int64_t age)
{
	struct arena *scratch = arena_new(); /* memory of one statement */
	int64_t count = 0, total = 0;
	enum err e;

	do {
		arena_reset(scratch);
		e = forget(db, scratch, age, FORGET_AT_ONCE, &count);
		total += e == ERR_OK ? count : 0;
	} while (e == ERR_OK && count == FORGET_AT_ONCE);
	arena_free(scratch);
	if (e == ERR_OK)
		job_set_result(job, arena_printf(job->arena, "{\"rows\":%lld}",
					(long long)total));
	return e;
}

static enum err
forget_keys(struct job *job, struct db *db, const void *payload UNUSED)
{
	return forget_all(job, db, link_forget_keys,
	    links_config_of(job->app)->idempotency_hours);
}

static enum err
forget_slugs(struct job *job, struct db *db, const void *payload UNUSED)
{
	return forget_all(job, db, link_forget_slugs,
	    links_config_of(job->app)->slug_keep_days);
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

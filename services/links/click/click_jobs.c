#include "links/click/click_jobs.h"

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "links/click/click_store.h"
#include "links/links.h"

/*
 * The most rows of one statement, so that it holds no lock and no snapshot for
 * long; and how many referrers a link can have on a day.
 */
enum { ROWS_AT_ONCE = 5000, REFERRERS_MAX = 100 };

/*
 * Each statement commits by itself: it either moves its rows or leaves them, so
 * no click is counted twice.
 */
static enum err
count(struct job *job, struct db *db, const void *payload UNUSED)
{
	struct arena *scratch = arena_new(); /* memory of one statement */
	int64_t moved = 0, total = 0;
	enum err e;

	do {
		arena_reset(scratch);
		e = click_aggregate(
		    db, scratch, ROWS_AT_ONCE, REFERRERS_MAX, &moved);
		total += e == ERR_OK ? moved : 0;
	} while (e == ERR_OK && moved == ROWS_AT_ONCE);
	arena_free(scratch);
	if (e == ERR_OK)
		job_set_result(job, arena_printf(job->arena, "{\"rows\":%lld}",
					(long long)total));
	return e;
}

static enum err
forget(struct job *job, struct db *db, const void *payload UNUSED)
{
	const struct links_config *config = links_config_of(job->app);
	struct arena *scratch = arena_new();
	int64_t deleted = 0, total = 0;
	enum err e;

	do {
		arena_reset(scratch);
		e = click_forget(db, scratch, config->click_keep_days,
		    ROWS_AT_ONCE, &deleted);
		total += e == ERR_OK ? deleted : 0;
	} while (e == ERR_OK && deleted == ROWS_AT_ONCE);
	arena_free(scratch);
	if (e == ERR_OK)
		job_set_result(job, arena_printf(job->arena, "{\"rows\":%lld}",
					(long long)total));
	return e;
}

/* clang-format off */
const struct job_kind click_jobs[] = {
	{ .name = "link.count", .handle = count, .external = true },
	{ .name = "link.forget-clicks", .handle = forget, .external = true },
	{ 0 },
};
/* clang-format on */

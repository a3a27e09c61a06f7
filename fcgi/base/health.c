#include "base/health.h"

#include <stddef.h>

#include "base/metrics_area.h"

void
health_beat(int64_t now_us)
{
	if (metrics_own_process != NULL)
		atomic_store_explicit(&metrics_own_process->beat_us, now_us,
		    memory_order_relaxed);
}

static bool
is_stuck(struct metrics_process *p, int64_t now_us)
{
	int64_t beat_us =
	    atomic_load_explicit(&p->beat_us, memory_order_relaxed);

	return p->pid != 0 && beat_us != 0 &&
	       now_us - beat_us > HEALTH_STUCK_US;
}

/* Counts the stuck processes of one pool, or of all pools when `pool` is -1. */
static int
count_stuck(int pool, int64_t now_us)
{
	int n = 0;

	if (metrics_area == NULL)
		return 0;
	for (int i = 0; i < metrics_area->nprocesses; i++) {
		struct metrics_process *p = &metrics_area->processes[i];

		if (pool < 0 || p->pool == pool)
			n += is_stuck(p, now_us);
	}
	return n;
}

int
health_count_stuck(int64_t now_us)
{
	return count_stuck(-1, now_us);
}

void
health_set_draining(void)
{
	if (metrics_area != NULL)
		metrics_area->draining = 1;
}

bool
health_is_draining(void)
{
	return metrics_area != NULL && metrics_area->draining != 0;
}

int
health_pools(int64_t now_us, struct health_pool out[METRICS_POOLS_MAX])
{
	int n = 0;

	for (int i = 0; metrics_area != NULL && i < metrics_area->npools; i++) {
		struct metrics_pool_row *row = &metrics_area->pools[i];

		if (row->wanted == 0)
			continue; /* a pool of an earlier release */
		out[n++] = (struct health_pool){
			.name = row->name,
			.serves = row->serves != 0,
			.ok = row->ready > count_stuck(i, now_us),
		};
	}
	return n;
}

/*
 * fuzz_cron: an accepted cron expression has at least one value in each field
 * and none outside the field's range.  Written out as plain lists of values, it
 * is read as the same expression.
 */
#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "job/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
put_field(struct buf *b, uint64_t bits, int min, int max)
{
	const char *between = b->len == 0 ? "" : " ";

	assert(bits != 0);
	assert((bits & ~((2ull << max) - 1)) == 0);
	assert((bits & ((1ull << min) - 1)) == 0);
	for (int i = min; i <= max; i++) {
		if ((bits >> i & 1) == 0)
			continue;
		buf_printf(b, "%s%d", between, i);
		between = ",";
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	const char *text = arena_strndup(a, (const char *)data, len);
	const char *problem = NULL;
	struct cron c, again;
	struct buf b;

	if (cron_read(text, &c, &problem)) {
		buf_init(&b, a, 4096);
		put_field(&b, c.minutes, 0, 59);
		put_field(&b, c.hours, 0, 23);
		put_field(&b, c.days, 1, 31);
		put_field(&b, c.months, 1, 12);
		put_field(&b, c.weekdays, 0, 6);
		assert(!buf_failed(&b));
		/*
		 * The lists have no star, so a day matches by its date or by
		 * its weekday (`either`).
		 */
		assert(cron_read(b.data, &again, &problem));
		assert(again.minutes == c.minutes && again.hours == c.hours);
		assert(again.days == c.days && again.months == c.months);
		assert(again.weekdays == c.weekdays);
		assert(again.either && !again.every_hour);
	} else {
		assert(problem != NULL);
	}
	arena_free(a);
	return 0;
}

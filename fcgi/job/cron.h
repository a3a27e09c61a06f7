/*
 * cron: reads the five fields of a crontab line: minute, hour, day of the
 * month, month, day of the week.
 *
 * A field is a comma-separated list of '*', numbers and ranges a-b; '*' and
 * ranges may have a step: "8-18/2".  Months and weekdays have names (jan, MON);
 * Sunday is 0 and 7.  As in cron, when both the day of the month and the day of
 * the week are restricted, a day matches if either does; when one of the two
 * fields begins with '*', both must match.  A date that never exists (the 30th
 * of February) is refused.
 */
#ifndef JOB_CRON_H
#define JOB_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * A parsed crontab line. In each member, bit n is set if the number n matches.
 */
struct cron {
	uint64_t minutes; /* 0 to 59 */
	uint64_t hours; /* 0 to 23 */
	uint64_t days; /* 1 to 31 */
	uint64_t months; /* 1 to 12 */
	uint64_t weekdays; /* 0 (Sunday) to 6 */
	/* a day matches if `days` or `weekdays` does; false: both must */
	bool either;
	bool every_hour; /* the hour field begins with '*' */
};

/*
 * Returns false for an invalid line; *ret_problem is then a constant text that
 * says what is wrong.
 */
MUST_CHECK bool
cron_read(const char *text, struct cron *ret_cron, const char **ret_problem);

#endif

/*
 * cron: the five fields of a crontab line, minute hour day month weekday, read
 * strictly.
 *
 * A field is a list, by commas, of '*', a number or a range a-b; '*' and ranges
 * take a step: "8-18/2".  Months and weekdays have names (jan, MON); Sunday is
 * 0 and 7.  A day matches by date or by weekday when both are given, as cron
 * has it; when one of the two fields begins with '*', by both.  What can never
 * come (the 30th of February) is refused.
 */
#ifndef JOB_CRON_H
#define JOB_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/* Bit n: n matches. */
struct cron {
	uint64_t minutes; /* 0 to 59 */
	uint64_t hours; /* 0 to 23 */
	uint64_t days; /* 1 to 31 */
	uint64_t months; /* 1 to 12 */
	uint64_t weekdays; /* 0, Sunday, to 6 */
	bool either; /* by date or by weekday; else by both */
	bool every_hour; /* the field of the hour begins with '*' */
};

/* False: *ret_problem is a sentence, and a constant. */
MUST_CHECK bool
cron_read(const char *text, struct cron *ret_cron, const char **ret_problem);

#endif

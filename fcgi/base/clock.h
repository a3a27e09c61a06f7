/*
 * clock: reads the system clocks, and converts times to and from text (RFC 3339
 * in UTC with milliseconds).
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/attr.h"

enum { CLOCK_TEXT_SIZE = 32 };

/* The milliseconds since 1970.  Jumps when the system clock is set. */
int64_t clock_now_ms(void);
/* For measuring durations: never goes backwards. */
int64_t clock_monotonic_us(void);
/*
 * Like clock_monotonic_us(), but the time while the machine is suspended is
 * counted, too; for leases.
 */
int64_t clock_boottime_us(void);
/*
 * Converts a time in microseconds to a struct timespec, as
 * pthread_cond_clockwait() takes it.
 */
struct timespec clock_timespec(int64_t at_us);

/*
 * Writes a time such as "2026-01-02T03:04:05.678Z": always in UTC, with three
 * fractional digits.  A year outside 0 to 9999 is written with its sign and all
 * its digits.
 */
void clock_write(int64_t epoch_ms, char out[CLOCK_TEXT_SIZE]);
/*
 * Reads an RFC 3339 date-time with any offset from UTC; fractions are cut to
 * milliseconds.  Returns false for a date that does not exist (RFC 3339
 * sections 5.6 and 5.7) or that is outside the years 0 to 9999 in UTC.  A leap
 * second (":60", allowed at the end of June and December in UTC) is read as the
 * first second of the next minute, because Unix time does not count leap
 * seconds.
 */
MUST_CHECK bool clock_read(const char *text, int64_t *ret_epoch_ms);

#endif

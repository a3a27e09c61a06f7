/* clock: the clocks, and times as text (RFC 3339 in UTC, milliseconds). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/attr.h"

enum { CLOCK_TEXT_SIZE = 32 };

int64_t clock_now_ms(void); /* since the epoch; may jump */
int64_t clock_monotonic_us(void); /* only forward; for durations */
/* The same, and goes on while the machine is suspended; for leases. */
int64_t clock_boottime_us(void);
/* What pthread_cond_clockwait() and the like take. */
struct timespec clock_timespec(int64_t at_us);

/*
 * "2026-01-02T03:04:05.678Z": always three fractional digits and a Z.  Years
 * outside 0 to 9999 get the digits and the sign they need.
 */
void clock_write(int64_t epoch_ms, char out[CLOCK_TEXT_SIZE]);
/*
 * Reads an RFC 3339 date-time with any offset, fractions cut to milliseconds.
 * False for a date that does not exist (RFC 3339 sections 5.6 and 5.7), or
 * lies outside the years 0 to 9999 in UTC.  A leap second (":60", accepted
 * where UTC can have one: the end of June or December) reads as the second
 * after it, for the epoch does not count it.
 */
MUST_CHECK bool clock_read(const char *text, int64_t *ret_epoch_ms);

#endif

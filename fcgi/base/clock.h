/* clock: reading the clocks; times as text (RFC 3339 in UTC, milliseconds). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/attr.h"

enum { CLOCK_TEXT_SIZE = 32 };

int64_t clock_now_ms(void); /* milliseconds since 1970; the clock may be set */
int64_t clock_monotonic_us(void); /* never goes backwards; for durations */
/*
 * Like clock_monotonic_us(), but counts while the machine is suspended; for
 * leases.
 */
int64_t clock_boottime_us(void);
/* The same time in the form that pthread_cond_clockwait() takes. */
struct timespec clock_timespec(int64_t at_us);

/*
 * Writes "2026-01-02T03:04:05.678Z": always three fractional digits and a Z.
 * Years outside 0 to 9999 get the digits and the sign that they need.
 */
void clock_write(int64_t epoch_ms, char out[CLOCK_TEXT_SIZE]);
/*
 * Reads an RFC 3339 date-time with any offset; fractions are cut to
 * milliseconds.  Returns false for a date that does not exist (RFC 3339
 * sections 5.6 and 5.7) or is outside the years 0 to 9999 in UTC.  A leap
 * second (":60", allowed at the end of June and December in UTC) is read as the
 * second after it, because Unix time does not count leap seconds.
 */
MUST_CHECK bool clock_read(const char *text, int64_t *ret_epoch_ms);

#endif

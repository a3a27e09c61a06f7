#include "base/clock.h"

#include <stdio.h>
#include <time.h>

/*
 * The calendar date is computed here: every log line needs it, and gmtime_r()
 * and timegm() would take the C library's time zone lock.
 */
enum { DAY_S = 24 * 60 * 60 };
enum { CYCLE_DAYS = 146097, CYCLE_YEARS = 400 }; /* of the Gregorian calendar */
enum { EPOCH_DAY = 719528 }; /* days from 0000-01-01 to 1970-01-01 */

struct date {
	int64_t year;
	int month, day; /* both count from 1 */
};

int64_t
clock_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t
clock_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t
clock_monotonic_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

int64_t
clock_boottime_us(void)
{
	return clock_us(CLOCK_BOOTTIME);
}

struct timespec
clock_timespec(int64_t at_us)
{
	return (struct timespec){
		.tv_sec = (time_t)(at_us / 1000000),
		.tv_nsec = (long)(at_us % 1000000) * 1000,
	};
}

static bool
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int
month_days(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/*
 * Returns the number of days from 0000-01-01 to January 1 of `year`, which must
 * not be negative.
 */
static int64_t
year_start_day(int64_t year)
{
	int64_t last = year - 1; /* the last year before `year` */

	if (year == 0)
		return 0;
	return year * 365 + 1 + last / 4 - last / 100 + last / 400;
}

static int64_t
day_of_date(struct date d)
{
	int64_t day = year_start_day(d.year) + d.day - 1;

	for (int month = 1; month < d.month; month++)
		day += month_days(d.year, month);
	return day;
}

static struct date
date_of_day(int64_t day)
{
	int64_t cycle = day / CYCLE_DAYS - (day % CYCLE_DAYS < 0);
	int64_t rest = day - cycle * CYCLE_DAYS;
	/* This estimate of the year is either right or one too low. */
	int64_t year = rest / 366;
	struct date d = { .month = 1 };

	while (year_start_day(year + 1) <= rest)
		year++;
	rest -= year_start_day(year);
	while (rest >= month_days(year, d.month))
		rest -= month_days(year, d.month++);
	d.day = (int)rest + 1;
	d.year = year + cycle * CYCLE_YEARS;
	return d;
}

static char *
put_digits(char *out, int n, int width)
{
	for (int i = width - 1; i >= 0; i--, n /= 10)
		out[i] = (char)('0' + n % 10);
	return out + width;
}

void
clock_write(int64_t epoch_ms, char out[CLOCK_TEXT_SIZE])
{
	int64_t epoch_s = epoch_ms / 1000 - (epoch_ms % 1000 < 0);
	int64_t day = epoch_s / DAY_S - (epoch_s % DAY_S < 0);
	int ms = (int)(epoch_ms % 1000);
	int second = (int)(epoch_s - day * DAY_S);
	struct date d = date_of_day(day + EPOCH_DAY);
	char *p = out;

	if (ms < 0)
		ms += 1000;
	if (d.year >= 0 && d.year <= 9999)
		p = put_digits(p, (int)d.year, 4);
	else
		p += snprintf(p, 12, "%lld", (long long)d.year);
	*p++ = '-';
	p = put_digits(p, d.month, 2);
	*p++ = '-';
	p = put_digits(p, d.day, 2);
	*p++ = 'T';
	p = put_digits(p, second / 3600, 2);
	*p++ = ':';
	p = put_digits(p, second / 60 % 60, 2);
	*p++ = ':';
	p = put_digits(p, second % 60, 2);
	*p++ = '.';
	p = put_digits(p, ms, 3);
	*p++ = 'Z';
	*p = '\0';
}

/*
 * Reads exactly `width` digits whose value is in [min, max], and advances *s
 * behind them.
 */
static bool
take_digits(const char **s, int width, int min, int max, int *ret_n)
{
	int n = 0;

	for (int i = 0; i < width; i++) {
		char c = (*s)[i];

		if (c < '0' || c > '9')
			return false;
		n = n * 10 + (c - '0');
	}
	if (n < min || n > max)
		return false;
	*s += width;
	*ret_n = n;
	return true;
}

/*
 * Reads the character `c`, which is given in upper case: RFC 3339 section 5.6
 * allows the letters of a date-time in lower case, too.
 */
static bool
take_char(const char **s, char c)
{
	if (**s != c && !(c >= 'A' && **s == c - 'A' + 'a'))
		return false;
	(*s)++;
	return true;
}

static bool
take_date(const char **s, struct date *ret_date)
{
	struct date d;
	int year;

	if (!take_digits(s, 4, 0, 9999, &year) || !take_char(s, '-') ||
	    !take_digits(s, 2, 1, 12, &d.month) || !take_char(s, '-') ||
	    !take_digits(s, 2, 1, month_days(year, d.month), &d.day))
		return false;
	d.year = year;
	*ret_date = d;
	return true;
}

/*
 * Reads the fraction of a second, if there is one, with any number of digits.
 */
static bool
take_fraction(const char **s, int *ret_ms)
{
	int ms = 0, digit, scale = 100;

	*ret_ms = 0;
	if (!take_char(s, '.'))
		return true;
	if (**s < '0' || **s > '9')
		return false;
	while (take_digits(s, 1, 0, 9, &digit)) {
		ms += digit * scale;
		scale /= 10;
	}
	*ret_ms = ms;
	return true;
}

static bool
take_offset(const char **s, int *ret_offset_s)
{
	int hour, minute, sign = 1;

	*ret_offset_s = 0;
	if (take_char(s, 'Z'))
		return true;
	if (take_char(s, '-'))
		sign = -1;
	else if (!take_char(s, '+'))
		return false;
	if (!take_digits(s, 2, 0, 23, &hour) || !take_char(s, ':') ||
	    !take_digits(s, 2, 0, 59, &minute))
		return false;
	*ret_offset_s = sign * (hour * 3600 + minute * 60);
	return true;
}

/* A leap second is inserted only before a July 1 or a January 1 in UTC. */
static bool
may_follow_leap_second(int64_t utc_s)
{
	struct date d = date_of_day(utc_s / DAY_S);

	return utc_s % DAY_S == 0 && d.day == 1 &&
	       (d.month == 1 || d.month == 7);
}

bool
clock_read(const char *text, int64_t *ret_epoch_ms)
{
	const char *s = text;
	struct date d;
	int hour, minute, second, ms, offset_s, time_s;
	int64_t utc_s; /* seconds since 0000-01-01 */

	if (!take_date(&s, &d) || !take_char(&s, 'T') ||
	    !take_digits(&s, 2, 0, 23, &hour) || !take_char(&s, ':') ||
	    !take_digits(&s, 2, 0, 59, &minute) || !take_char(&s, ':') ||
	    !take_digits(&s, 2, 0, 60, &second) || !take_fraction(&s, &ms) ||
	    !take_offset(&s, &offset_s) || *s != '\0')
		return false;

	time_s = hour * 3600 + minute * 60 + second - offset_s;
	utc_s = day_of_date(d) * DAY_S + time_s;
	if (utc_s < 0 || utc_s >= year_start_day(10000) * DAY_S)
		return false;
	if (second == 60 && !may_follow_leap_second(utc_s))
		return false;
	*ret_epoch_ms = (utc_s - (int64_t)EPOCH_DAY * DAY_S) * 1000 + ms;
	return true;
}

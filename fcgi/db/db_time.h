/*
 * db_time: converts times in statements.
 *
 * DB_TIME converts a timestamptz column (or expression) to the text used in
 * JSON: RFC 3339 in UTC with milliseconds, for the years 1 to 9999.  NULL stays
 * NULL; infinity is written as the last of these times, minus infinity as the
 * first.
 */
#ifndef DB_DB_TIME_H
#define DB_DB_TIME_H

/* clang-format off */
#define DB_TIME(column)                                                        \
	"to_char(CASE " column                                                 \
	" WHEN 'infinity' THEN '9999-12-31T23:59:59.999Z'"                     \
	" WHEN '-infinity' THEN '0001-01-01T00:00:00Z'"                        \
	" ELSE " column " END"                                                 \
	" AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
/* clang-format on */

#endif

/*
 * db_time: times in statements.
 *
 * A timestamptz column (or expression) as the text that goes on the wire:
 * RFC 3339 in UTC with milliseconds, for years 1 to 9999.  NULL stays NULL;
 * infinity is the last of them, minus infinity the first.
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

/*
 * db_time: times in statements.
 *
 * A timestamptz column (or expression) as the text that goes on the wire:
 * RFC 3339 in UTC with milliseconds, for years 1 to 9999.  NULL stays NULL.
 */
#ifndef DB_DB_TIME_H
#define DB_DB_TIME_H

#define DB_TIME(column)   \
	"to_char(" column \
	" AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

#endif

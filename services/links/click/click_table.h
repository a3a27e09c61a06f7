/*
 * click_table: the clicks that one process has counted and not yet written.
 *
 * A redirect adds to this table in memory, so it waits for nothing.  A thread
 * writes the table to click_buffer once a second (click_ticker.h), and when the
 * process ends; when PostgreSQL is away, the clicks stay here until it is back.
 * What is lost: with kill -9, a crash or a power failure the clicks since the
 * last write, usually those of one second; and clicks that do not fit into the
 * table, which has room for CLICK_TABLE_MAX different ones.
 *
 * A click is counted by link, day (UTC), host of the referrer and family of
 * the user agent.  Nothing else of the request is kept.
 */
#ifndef LINKS_CLICK_TABLE_H
#define LINKS_CLICK_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"

enum { CLICK_TABLE_MAX = 2048, CLICK_REFERRER_SIZE = 64 };

#define CLICK_REFERRER_NONE "(direct)"
#define CLICK_REFERRER_OTHER "(other)"

struct click {
	char link_id[UUID_TEXT_SIZE];
	char referrer[CLICK_REFERRER_SIZE];
	const char *agent; /* a constant of web/user_agent.h */
	int64_t day; /* days since 1970, UTC */
	int64_t clicks; /* 0: the place is free */
};

struct click_table;

struct click_table *click_table_new(void);
void click_table_free(struct click_table *t); /* NULL is allowed */
/*
 * Adds the click; when the table is full, as one of CLICK_REFERRER_OTHER, and
 * if that is not possible either, counts it as lost.
 */
void click_table_add(struct click_table *t, const struct click *click);
/*
 * Moves all clicks to `out`, which has room for CLICK_TABLE_MAX; returns their
 * number.
 */
size_t click_table_take(struct click_table *t, struct click *out);
/* Returns how many clicks were lost since the last call. */
int64_t click_table_take_lost(struct click_table *t);

/*
 * Writes the host of a Referer header: in small letters, without a port.
 * CLICK_REFERRER_NONE: there is no header; CLICK_REFERRER_OTHER: it has no
 * host, or one that is too long.
 */
void click_referrer(const char *header, char out[CLICK_REFERRER_SIZE]);

#endif

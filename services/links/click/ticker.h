/*
 * ticker: a thread of each process that serves requests.  Several times a
 * second it makes sure that the host knows the epoch (redirect/epoch.h), and
 * once a second it writes the clicks of the process to PostgreSQL.
 */
#ifndef LINKS_TICKER_H
#define LINKS_TICKER_H

struct links;
struct ticker;

/* Returns NULL when no thread can be started. */
struct ticker *ticker_start(struct links *links);
/* Writes the clicks that are left, and stops.  NULL is allowed. */
void ticker_stop(struct ticker *t);

#endif

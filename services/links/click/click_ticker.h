/*
 * click_ticker: a thread of each process that serves requests.  Several times a
 * second it makes sure that the host knows the epoch (redirect/epoch.h), and
 * once a second it writes the clicks of the process to PostgreSQL.
 */
#ifndef LINKS_CLICK_TICKER_H
#define LINKS_CLICK_TICKER_H

struct links;
struct click_ticker;

/* Returns NULL when no thread can be started. */
struct click_ticker *click_ticker_start(struct links *links);
/* Writes the clicks that are left, and stops.  NULL is allowed. */
void click_ticker_stop(struct click_ticker *t);

#endif

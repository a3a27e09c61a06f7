/*
 * scrape: what GET /metrics answers, without waiting for anything.
 *
 * The counters are in shared memory.  What the hooks of a service add comes
 * from PostgreSQL, so a thread asks for it in the background: every
 * SCRAPE_REFRESH_MS as long as scrapes come, and until SCRAPE_LINGER_MS after
 * the last.  A scrape prints what the thread found last, and how old it is; a
 * text over SCRAPE_STALE_MS old (PostgreSQL is away) is left out.
 *
 * The text is in shared memory too.  One thread of one process of the service
 * refreshes it, whichever process is scraped; when that process ends, the next
 * process that is scraped takes over.  So all pools must have the same hooks.
 */
#ifndef APP_SCRAPE_H
#define APP_SCRAPE_H

struct buf;
struct service;

enum {
	SCRAPE_REFRESH_MS = 5000,
	SCRAPE_LINGER_MS = 300000,
	SCRAPE_STALE_MS = 60000,
};

/* In the master, before the fork. */
void scrape_prepare(void);
/* `s` must stay until scrape_stop(). */
void scrape_write(const struct service *s, struct buf *b);
/* Ends this process's thread; it may be in a query, which has its own deadline.
 */
void scrape_stop(void);

#endif

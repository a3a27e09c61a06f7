/*
 * scrape: the response to GET /metrics, written without waiting.
 *
 * The counters are in shared memory.  The values that a service's hooks add
 * come from PostgreSQL, so a thread reads them in the background: every
 * SCRAPE_REFRESH_MS while scrapes arrive, and for SCRAPE_LINGER_MS after the
 * last scrape.  A scrape prints the values that were read last, and their age;
 * values older than SCRAPE_STALE_MS (PostgreSQL is unavailable) are left out.
 *
 * The text of these values is in shared memory, too.  One thread of one process
 * of the service refreshes it, whichever process is scraped.  When that process
 * ends, the next process that is scraped takes over.  So all pools must have
 * the same hooks.
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

/* To be called in the master, before it forks the workers. */
void scrape_prepare(void);
/* Writes the response.  `s` must stay valid until scrape_stop(). */
void scrape_write(const struct service *s, struct buf *b);
/*
 * Ends the background thread of this process, and waits for a query that the
 * thread may be in; queries have a deadline.
 */
void scrape_stop(void);

#endif

/*
 * db_listen: one permanent connection for one thread: it receives notifications
 * (LISTEN), waits until a deadline or until a descriptor is readable, and runs
 * statements in between.
 *
 * It connects when it is first used, and again, with back-off, when the
 * connection was lost.  Notifications sent in between are lost: the first
 * notice after each connect therefore has an empty channel, which means that
 * anything may have happened.
 */
#ifndef DB_DB_LISTEN_H
#define DB_DB_LISTEN_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "db/db.h"

struct arena;
struct db_listen;

enum { DB_NOTICE_SIZE = 128 };

struct db_notice {
	char channel[DB_NOTICE_SIZE]; /* "": connected just now */
	char payload[DB_NOTICE_SIZE]; /* cut if it is longer */
};

/*
 * Does not connect yet.  `channels` are constants, identifiers in lower case,
 * ended by NULL.  The options `connections` and `acquire_timeout_ms` are
 * ignored.
 */
struct db_listen *
db_listen_open(const struct db_options *options, const char *const *channels);
void db_listen_close(struct db_listen *l); /* NULL is allowed */

/* Like db_run(); ERR_UNAVAILABLE also while the server is unavailable. */
MUST_CHECK enum err db_listen_run(struct db_listen *l, struct arena *a,
    const struct db_stmt *stmt, struct db_args args, struct db_rows *ret_rows);

/*
 * Waits for a notification, an event on one of the `fds` (at most 6), or the
 * deadline of the monotonic clock.  Connects if necessary.
 */
void db_listen_wait(
    struct db_listen *l, struct pollfd *fds, int count, int64_t deadline_us);
/* Returns the next notification, if there is one. */
bool db_listen_take(struct db_listen *l, struct db_notice *ret_notice);

#endif

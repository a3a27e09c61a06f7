/*
 * db_listen: a permanent connection for a single thread.  It receives
 * notifications (LISTEN), waits until a deadline or until a descriptor is
 * readable, and runs statements in between.
 *
 * The connection is opened at the first use.  When it is lost, it is opened
 * again, with back-off.  Notifications sent while there is no connection are
 * lost; so after each connect the first notification that the caller gets has
 * an empty channel, which means that anything may have been notified.
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
	char channel[DB_NOTICE_SIZE]; /* "": the connection is new */
	char payload[DB_NOTICE_SIZE]; /* cut to this size if longer */
};

/*
 * Does not connect yet.  `channels` are constants, ended by NULL; each is an
 * SQL identifier in lower case.  The options `connections` and
 * `acquire_timeout_ms` are ignored.
 */
struct db_listen *
db_listen_open(const struct db_options *options, const char *const *channels);
void db_listen_close(struct db_listen *l); /* NULL is allowed */

/* Like db_run(); also returns ERR_UNAVAILABLE while there is no connection. */
MUST_CHECK enum err db_listen_run(struct db_listen *l, struct arena *a,
    const struct db_stmt *stmt, struct db_args args, struct db_rows *ret_rows);

/*
 * Waits for a notification, for an event on one of the `fds` (at most 6), or
 * until the deadline (a time of the monotonic clock).  Connects if necessary.
 */
void db_listen_wait(
    struct db_listen *l, struct pollfd *fds, int count, int64_t deadline_us);
/* Takes the next notification; returns false when there is none. */
bool db_listen_take(struct db_listen *l, struct db_notice *ret_notice);

#endif

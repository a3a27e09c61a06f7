/*
 * db_pool: a limited number of connections to PostgreSQL, shared by the threads
 * of a process.
 *
 * The thread that has waited longest for a connection is served first.  The
 * most recently used connection is reused first, so that surplus connections
 * stay idle and can be closed.  Connections are opened without holding the
 * lock.  After a failed attempt to connect, the next attempt waits (100 ms,
 * doubling up to 1 s), and only one caller at a time makes it; meanwhile all
 * other callers that need a new connection fail at once.
 */
#ifndef DB_DB_POOL_H
#define DB_DB_POOL_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct db_conn;
struct db_options;
struct db_pool;

struct db_pool *db_pool_new(const struct db_options *options);
/* To be called after every connection has been released. */
void db_pool_free(struct db_pool *p);
int64_t db_pool_slow_ms(const struct db_pool *p);
int64_t db_pool_statement_timeout_ms(const struct db_pool *p);

/*
 * ERR_UNAVAILABLE: there is no server, or no connection became free in time.
 * The failure is logged here.
 */
MUST_CHECK enum err
db_pool_acquire(struct db_pool *p, struct db_conn **ret_conn);
/* Gives the connection back; closes it if it cannot be used again. */
void db_pool_release(struct db_pool *p, struct db_conn *c);

#endif

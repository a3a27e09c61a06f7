/*
 * db_connector: finds a server that takes us, and connects.
 *
 * A connection string may name several hosts, and a host may have several
 * addresses.  libpq would try them one after the other within one time limit,
 * so that one which swallows what it is sent would use up the time of all
 * others.  Here each address has its own deadline, and the one that was good
 * the last time is tried first.
 */
#ifndef DB_DB_CONNECTOR_H
#define DB_DB_CONNECTOR_H

#include <libpq-fe.h>
#include <stdint.h>

#include "base/attr.h"

struct db_connector;
struct db_options;

enum {
	DB_REASON_SIZE = 256,
	/* For all addresses together, unless they are many. */
	DB_CONNECT_TIMEOUT_MS = 2000,
};

/* Copies the texts of the options.  Any number of threads may connect. */
struct db_connector *db_connector_new(const struct db_options *options);
void db_connector_free(struct db_connector *c); /* NULL is fine */

const struct db_options *db_connector_options(const struct db_connector *c);
/* NULL when it fails; then `reason` says why, on one line. */
PGconn *
db_connector_connect(struct db_connector *c, char reason[DB_REASON_SIZE]);
/*
 * What every session has set, whatever the server, the database or the role
 * say: NULL when `synchronous_commit` and `search_path`, as the session has
 * them, are so; else why the connection is of no use.
 */
const char *db_connector_check_session(
    const char *synchronous_commit, const char *search_path);

/* How long a transaction with such statements may be idle. */
int64_t db_connector_idle_ms(int64_t statement_timeout_ms);

/* As one line: what libpq said, or another text; NULL is "". */
void db_reason_copy(char reason[DB_REASON_SIZE], const char *text);

#endif

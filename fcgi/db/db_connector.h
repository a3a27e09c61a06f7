/*
 * db_connector: finds a server that accepts a connection, and connects.
 *
 * A connection string may name several hosts, and a host may have several
 * addresses.  libpq would try them one after the other within one timeout, so
 * that an address that never answers would use up the time of all others.  Here
 * each address has its own deadline, and the address of the last successful
 * attempt is tried first.
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
	/* The time to try all addresses; longer if there are many. */
	DB_CONNECT_TIMEOUT_MS = 2000,
};

/*
 * The texts of the options are copied.  Several threads may connect at the same
 * time.
 */
struct db_connector *db_connector_new(const struct db_options *options);
void db_connector_free(struct db_connector *c); /* NULL is allowed */

const struct db_options *db_connector_options(const struct db_connector *c);
/* Returns NULL on failure; `reason` then says why, on one line. */
PGconn *
db_connector_connect(struct db_connector *c, char reason[DB_REASON_SIZE]);
/*
 * Checks two settings that every session must have, whatever is configured for
 * the server, the database or the role.  The arguments are the settings as the
 * session reports them.  Returns NULL when both are right; otherwise the reason
 * why the connection cannot be used.
 */
const char *db_connector_check_session(
    const char *synchronous_commit, const char *search_path);

/* How long a transaction may be idle if its statements have this timeout. */
int64_t db_connector_idle_ms(int64_t statement_timeout_ms);

/* Copies a text, such as a message of libpq, as one line; NULL gives "". */
void db_reason_copy(char reason[DB_REASON_SIZE], const char *text);

#endif

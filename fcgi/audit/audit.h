/*
 * audit: the log of what operators do, in each service's own database
 * (docs/AUDIT.md, sql/audit/).
 *
 * An act and its row are written in one transaction, so that there is no act
 * without a row and no row without an act: audit_do(). The rows are chained by
 * hashes afterwards, by the process that does the maintenance of jobs; so two
 * acts do not wait for each other.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;
struct db_listen;
struct req;

struct audit_who {
	const char *actor; /* a user's id, or an account of the host */
	const char *kind; /* "user", "command" or "service" */
	const char *acting_as; /* the user as whom the actor acts; or NULL */
	const char *address; /* of the client; or NULL */
	const char *request_id; /* or NULL */
};

/*
 * What was done. `before` and `after` are JSON objects without secrets; NULL:
 * there was nothing, or there is nothing any more.
 */
struct audit_act {
	const char *action; /* "account.freeze": words, separated by "." */
	const char *object_kind; /* "account" */
	const char *object_id;
	const char *before;
	const char *after;
};

/* A member of a JSON object; value NULL: null. */
struct audit_value {
	const char *name;
	const char *value;
};
/* Returns {"name":"value",...}; the list ends with a NULL name. */
const char *audit_object(struct arena *a, const struct audit_value *values);

/* The user of a request, and where it came from. */
struct audit_who audit_who_of(const struct req *r);
/*
 * The person who has called a command: KEDGE_ACTOR, which the kedge command
 * sets, or the account that the process runs as.
 */
struct audit_who audit_who_of_command(struct arena *a);

/* Writes a row in the transaction of the act. */
MUST_CHECK enum err audit_write(struct db *tx, struct arena *a,
    const struct audit_who *who, const struct audit_act *act);

/*
 * Calls `run`, which executes an operator's action, and writes the audit row of
 * the action in the same transaction. The transaction may be run again
 * (db_transact()). `run` may fill members of *act that it alone knows:
 * object_id, before and after. If `run` returns ERR_OK but has changed nothing,
 * it sets act->action to NULL, and no row is written.
 */
MUST_CHECK enum err audit_do(struct db *db, struct arena *a,
    const struct audit_who *who, struct audit_act *act,
    enum err (*run)(struct db *tx, struct arena *a, void *ctx), void *ctx);

/*
 * Links rows that have no link yet, a limited number of them. A link is also
 * written to the log, so that the end of the chain cannot be cut off unseen by
 * somebody who has only the database.
 */
void audit_chain(struct db_listen *l, struct arena *a);

#endif

#include "db/db_error.h"

#include <string.h>

#include "base/attr.h"
#include "base/log.h"
#include "base/str.h"
#include "db/log_events.h"

/*
 * Which error an SQLSTATE means.  The first entry applies whose prefix the
 * SQLSTATE begins with; see the PostgreSQL manual, appendix A.
 */
static const struct {
	const char *prefix;
	enum err err;
} meanings[] = {
	{ "23505", ERR_CONFLICT }, /* unique_violation */
	{ "23P01", ERR_CONFLICT }, /* exclusion_violation */
	{ "23503", ERR_UNPROCESSABLE }, /* foreign_key_violation */
	{ "23514", ERR_UNPROCESSABLE }, /* check_violation */
	{ "P0001", ERR_UNPROCESSABLE }, /* raise_exception */
	{ "08", ERR_UNAVAILABLE }, /* connection exceptions */
	{ "25006", ERR_UNAVAILABLE }, /* read_only_sql_transaction */
	{ "40", ERR_UNAVAILABLE }, /* rolled back because of a conflict */
	{ "53",
	    ERR_UNAVAILABLE }, /* out of disk space, memory or connections */
	{ "55P03", ERR_UNAVAILABLE }, /* lock_not_available */
	{ "57", ERR_UNAVAILABLE }, /* cancelled, or the server shuts down */
};

/* Returns a field of the error, never NULL. */
static const char *
field(const PGresult *result, int code)
{
	const char *text =
	    result == NULL ? NULL : PQresultErrorField(result, code);

	return text == NULL ? "" : text;
}

enum err
db_error(enum db_outcome outcome, const PGresult *result)
{
	const char *state = field(result, PG_DIAG_SQLSTATE);

	if (outcome == DB_DONE)
		return ERR_OK;
	if (outcome != DB_REFUSED)
		return ERR_UNAVAILABLE;
	for (size_t i = 0; i < COUNT_OF(meanings); i++)
		if (str_has_prefix(state, meanings[i].prefix))
			return meanings[i].err;
	return ERR_INTERNAL;
}

bool
db_error_is_transient(enum db_outcome outcome, const PGresult *result)
{
	const char *state = field(result, PG_DIAG_SQLSTATE);

	return outcome == DB_REFUSED &&
	       (strcmp(state, "40001") == 0 || /* serialization_failure */
		   strcmp(state, "40P01") == 0 || /* deadlock_detected */
		   strcmp(state, "26000") ==
		       0 || /* prepared statement does not exist */
		   strcmp(state, "0A000") == 0); /* cached plan is outdated */
}

static void
log_refusal(const char *name, enum log_level level, const PGresult *result)
{
	const char *state = field(result, PG_DIAG_SQLSTATE);
	const char *message = field(result, PG_DIAG_MESSAGE_PRIMARY);

	/* In class 22 (data exceptions) the message quotes the value. */
	if (str_has_prefix(state, "22"))
		message = "";
	log_event(level, EVENT_STATEMENT_FAILED, LOG_TEXT("statement", name),
	    LOG_TEXT("sqlstate", state), LOG_TEXT("reason", message),
	    LOG_TEXT("constraint", field(result, PG_DIAG_CONSTRAINT_NAME)));
}

void
db_error_log(const char *name, const struct db_conn *c, enum db_outcome outcome,
    const PGresult *result)
{
	char reason[DB_REASON_SIZE];

	switch (outcome) {
	case DB_DONE:
		break;
	case DB_REFUSED:
		if (db_error_is_transient(outcome, result)) {
			log_refusal(name, LOG_INFO, result);
			break;
		}
		switch (db_error(outcome, result)) {
		case ERR_CONFLICT:
		case ERR_UNPROCESSABLE:
			/*
			 * Logged only at level debug: a violated constraint is
			 * often expected, and the caller decides what it means.
			 */
			log_refusal(name, LOG_DEBUG, result);
			break;
		case ERR_UNAVAILABLE:
			log_refusal(name, LOG_WARN, result);
			break;
		default:
			log_refusal(name, LOG_ERROR, result);
			break;
		}
		break;
	case DB_LOST:
		db_conn_reason(c, reason);
		log_event(LOG_WARN, EVENT_POSTGRES_CONNECTION_LOST,
		    LOG_TEXT("statement", name),
		    LOG_TEXT("sqlstate", field(result, PG_DIAG_SQLSTATE)),
		    LOG_TEXT("reason", reason));
		break;
	case DB_LATE:
		log_event(LOG_WARN, EVENT_POSTGRES_TIMEOUT,
		    LOG_TEXT("statement", name));
		break;
	}
}

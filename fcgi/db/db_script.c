#include "db/db_script.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/arena.h"
#include "base/str.h"
#include "db/db_url.h"

enum { PROBLEM_SIZE = 1024 };

struct db_script {
	PGconn *conn;
	char problem[PROBLEM_SIZE];
	char sqlstate[8];
	int problem_line;
};

static void
one_line(char *text)
{
	size_t len = strlen(text);
	size_t i;

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' '))
		text[--len] = '\0';
	for (i = 0; i < len; i++)
		if (text[i] == '\n' || text[i] == '\t')
			text[i] = ' ';
}

/*
 * Ignores notices such as "table exists, skipping"; the server's log has them.
 */
static void
ignore_notice(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

/*
 * Connects.  What the URL or libpq's variables do not set has a limit: a host
 * that does not answer ends the attempt, and one that disappears later ends the
 * connection, however long the statement that runs is.
 */
static PGconn *
connect_by(const char *url)
{
	static const char *const names[] = { "connect_timeout",
		"keepalives_idle", "keepalives_interval", "keepalives_count",
		"tcp_user_timeout", "dbname", NULL };
	/* Values of libpq override those before them: the URL is the last. */
	const char *const values[] = { getenv("PGCONNECT_TIMEOUT") != NULL
					   ? NULL
					   : DB_SCRIPT_CONNECT_S,
		"10", "5", "3", "30000", url, NULL };

	return PQconnectdbParams(names, values, /* expand_dbname= */ 1);
}

enum err
db_script_open(struct arena *a, const char *url, struct db_script **ret_script,
    const char **ret_problem)
{
	struct db_script *s;
	const char *refusal = db_url_problem(url);
	char *problem;

	if (refusal != NULL) {
		*ret_problem = refusal;
		return ERR_UNAVAILABLE;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		abort();
	s->conn = connect_by(url);
	if (PQstatus(s->conn) != CONNECTION_OK) {
		problem = arena_strdup(a, PQerrorMessage(s->conn));
		one_line(problem);
		*ret_problem = problem;
		db_script_close(s);
		return ERR_UNAVAILABLE;
	}
	PQsetNoticeProcessor(s->conn, ignore_notice, /* arg= */ NULL);
	*ret_script = s;
	return ERR_OK;
}

void
db_script_close(struct db_script *s)
{
	if (s == NULL)
		return;
	PQfinish(s->conn);
	free(s);
}

/*
 * Returns the number of the line in `sql` that contains the character with
 * number `position`.  Both numbers count from 1.
 */
static int
line_of(const char *sql, int64_t position)
{
	int line = 1;

	for (; *sql != '\0' && position > 1; sql++) {
		if (*sql == '\n')
			line++;
		/*
		 * The server counts characters, not bytes: do not count the
		 * continuation bytes of UTF-8.
		 */
		if (((unsigned char)sql[1] & 0xc0) != 0x80)
			position--;
	}
	return line;
}

static void
note_problem(struct db_script *s, const char *sql, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *position =
	    PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
	const char *message =
	    PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
	int64_t n;

	(void)snprintf(
	    s->sqlstate, sizeof(s->sqlstate), "%s", state == NULL ? "" : state);
	if (message == NULL)
		message = PQerrorMessage(s->conn);
	/* The text is for people and may be cut. */
	(void)snprintf(s->problem, sizeof(s->problem), "%s%s%s%s%s", message,
	    detail == NULL ? "" : "; ", detail == NULL ? "" : detail,
	    hint == NULL ? "" : "; ", hint == NULL ? "" : hint);
	one_line(s->problem);
	s->problem_line = 0;
	if (position != NULL && str_i64(position, 1, INT32_MAX, &n))
		s->problem_line = line_of(sql, n);
}

/*
 * Converts the result of a command to an error.  *ret_result gets the result if
 * the command succeeded; otherwise, or if ret_result is NULL, the result is
 * cleared here.
 */
static enum err
judge(struct db_script *s, const char *sql, PGresult *result,
    PGresult **ret_result)
{
	ExecStatusType status = PQresultStatus(result);
	bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
	          status == PGRES_EMPTY_QUERY;

	if (!ok)
		note_problem(s, sql, result);
	if (ok && ret_result != NULL)
		*ret_result = result;
	else
		PQclear(result);
	if (ok)
		return ERR_OK;
	return PQstatus(s->conn) == CONNECTION_OK ? ERR_UNPROCESSABLE
	                                          : ERR_UNAVAILABLE;
}

enum err
db_script_run(struct db_script *s, const char *sql)
{
	return judge(s, sql, PQexec(s->conn, sql), /* ret_result= */ NULL);
}

static void
release_result(void *result)
{
	PQclear(result);
}

enum err
db_script_query(struct db_script *s, struct arena *a, const char *sql,
    struct db_args args, struct db_rows *ret_rows)
{
	PGresult *result;
	enum err e;

	e = judge(s, sql,
	    PQexecParams(s->conn, sql, args.count, /* paramTypes= */ NULL,
		args.values, /* paramLengths= */ NULL,
		/* paramFormats= */ NULL, /* resultFormat= */ 0),
	    &result);
	if (e != ERR_OK)
		return e;
	arena_defer(a, release_result, result);
	*ret_rows = (struct db_rows){
		.result = result,
		.count = PQntuples(result),
	};
	/* "" for a command that changes no rows: `affected` is then 0. */
	if (!str_i64(PQcmdTuples(result), 0, INT64_MAX, &ret_rows->affected))
		ret_rows->affected = 0;
	return ERR_OK;
}

enum err
db_script_encrypt_password(struct db_script *s, struct arena *a,
    const char *role, const char *password, const char **ret_verifier)
{
	char *text =
	    PQencryptPasswordConn(s->conn, password, role, "scram-sha-256");

	if (text == NULL) {
		note_problem(s, /* sql= */ "", /* result= */ NULL);
		return ERR_INTERNAL;
	}
	*ret_verifier = arena_strdup(a, text);
	PQfreemem(text);
	return ERR_OK;
}

/*
 * If the script contained a COMMIT, its first part would be kept even if a
 * later part failed.  So this code first inserts a row that violates a foreign
 * key which PostgreSQL checks only at COMMIT: no COMMIT can succeed before this
 * code has deleted the row again.
 */
#define GUARD "transaction_is_not_the_scripts_to_end"
static const char raise_guard[] =
    "CREATE TEMP TABLE kedge_guard (id integer PRIMARY KEY, parent integer"
    " CONSTRAINT " GUARD " REFERENCES kedge_guard"
    " DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP;"
    "INSERT INTO pg_temp.kedge_guard VALUES (1, 2)";
static const char lower_guard[] = "DELETE FROM pg_temp.kedge_guard";

static enum err
fail_ended(struct db_script *s)
{
	(void)snprintf(s->problem, sizeof(s->problem),
	    "it ends the transaction that it is run in");
	s->sqlstate[0] = '\0';
	s->problem_line = 0;
	return ERR_UNPROCESSABLE;
}

static enum err
run_in_transaction(struct db_script *s, const char *sql, const char *record,
    struct db_args args)
{
	enum err e;

	e = db_script_run(s, raise_guard);
	if (e != ERR_OK)
		return e;
	e = db_script_run(s, sql);
	if (e == ERR_UNPROCESSABLE && strstr(s->problem, GUARD) != NULL)
		return fail_ended(s);
	if (e != ERR_OK)
		return e;
	e = db_script_run(s, lower_guard);
	if (e == ERR_UNPROCESSABLE)
		return fail_ended(s);
	if (e != ERR_OK)
		return e;
	e = judge(s, record,
	    PQexecParams(s->conn, record, args.count, /* paramTypes= */ NULL,
		args.values, /* paramLengths= */ NULL,
		/* paramFormats= */ NULL, /* resultFormat= */ 0),
	    /* ret_result= */ NULL);
	if (e != ERR_OK)
		return e;
	return db_script_run(s, "COMMIT");
}

enum err
db_script_run_recorded(struct db_script *s, const char *sql, const char *record,
    struct db_args args)
{
	enum err e;

	e = db_script_run(s, "BEGIN");
	if (e != ERR_OK)
		return e;
	e = run_in_transaction(s, sql, record, args);
	if (e != ERR_OK && PQtransactionStatus(s->conn) != PQTRANS_IDLE)
		PQclear(PQexec(s->conn, "ROLLBACK"));
	return e;
}

const char *
db_script_problem(const struct db_script *s)
{
	return s->problem;
}

const char *
db_script_sqlstate(const struct db_script *s)
{
	return s->sqlstate;
}

int
db_script_problem_line(const struct db_script *s)
{
	return s->problem_line;
}

/*
 * db_stmt: the types for calling PostgreSQL: the options of a connection,
 * statements, their arguments and their rows.
 */
#ifndef DB_DB_STMT_H
#define DB_DB_STMT_H

#include <stdbool.h>
#include <stdint.h>

struct db_options {
	const char *url; /* a libpq connection string or URI */
	const char *application_name;
	int64_t connections; /* the most at a time */
	int64_t acquire_timeout_ms; /* how long to wait for a free connection */
	int64_t statement_timeout_ms;
	int64_t slow_ms; /* slower statements are logged; 0: none is */
};

/*
 * A statement.  It must be a constant, because each connection keeps pointers
 * to the statements that it has prepared.
 */
struct db_stmt {
	const char *name; /* unique in the service; also used for PREPARE */
	const char *sql;
	int nargs;
	bool read_only; /* a plain SELECT: repeated if the connection broke */
	/*
	 * The timeout of a statement that may take long; it does not apply
	 * within a transaction.  0: the pool's timeout.
	 */
	int64_t timeout_ms;
};

struct db_args {
	const char *const *values; /* in text format; NULL is SQL NULL */
	int count;
};
#define DB_ARGS(...)                                                       \
	((struct db_args){ .values = (const char *const[]){ __VA_ARGS__ }, \
	    .count = (int)(sizeof((const char *const[]){ __VA_ARGS__ }) /  \
			   sizeof(const char *)) })
#define DB_NO_ARGS ((struct db_args){ 0 })

struct db_rows {
	void *result;
	int count; /* number of rows returned */
	int64_t affected; /* number of rows that the command changed */
};

#endif

#include "schema.h"

#include <check.h>
#include <glob.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/db.h"

static void
die(const char *what, const char *detail)
{
	fprintf(stderr, "schema: %s: %s\n", what, detail);
	exit(1);
}

static char *
read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	/*
	 * SQL contains no NUL byte, so getdelim() up to a NUL reads the whole
	 * file.
	 */
	if (f == NULL || getdelim(&text, &size, '\0', f) < 0)
		die(path, "cannot be read; run from the top of the checkout");
	fclose(f);
	return text;
}

char *
schema_url(const char *url, const char *service, enum schema_role role)
{
	char *out;

	if (asprintf(&out,
		"%s user=%s%s dbname=%s options='-c kedge.service=%s'", url,
		service, role == SCHEMA_OWNER ? "_owner" : "", service,
		service) < 0)
		abort();
	return out;
}

const char *
schema_run(const char *url, const char *sql)
{
	static char state[8];
	PGconn *conn = PQconnectdb(url);
	PGresult *result;
	const char *problem;

	if (PQstatus(conn) != CONNECTION_OK)
		die(url, PQerrorMessage(conn));
	result = PQexec(conn, sql);
	problem = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	snprintf(state, sizeof(state), "%s", problem != NULL ? problem : "");
	PQclear(result);
	PQfinish(conn);
	return state;
}

void
schema_do(const char *url, const char *sql)
{
	ck_assert_str_eq(schema_run(url, sql), "");
}

struct db *
schema_open(const char *url, int64_t connections)
{
	return db_open(&(struct db_options){
	    .url = url,
	    .application_name = "test",
	    .connections = connections,
	    .acquire_timeout_ms = 20000,
	    .statement_timeout_ms = 20000,
	});
}

static void
run_or_die(const char *url, const char *sql, const char *what)
{
	const char *state = schema_run(url, sql);

	if (*state != '\0')
		die(what, state);
}

/* Runs the migrations in a subfolder of sql/, in order. */
static void
run_files(const char *url, const char *folder)
{
	char pattern[128];
	glob_t files;

	snprintf(pattern, sizeof(pattern), "sql/%s/*.sql", folder);
	if (glob(pattern, 0, NULL, &files) != 0)
		die(pattern, "no files; run from the top of the checkout");
	for (size_t i = 0; i < files.gl_pathc; i++) {
		char *text = read_file(files.gl_pathv[i]);

		run_or_die(url, text, files.gl_pathv[i]);
		free(text);
	}
	globfree(&files);
}

void
schema_create(const char *url, const char *service)
{
	char *owner_url = schema_url(url, service, SCHEMA_OWNER);
	char sql[256];

	snprintf(sql, sizeof(sql),
	    "CREATE ROLE %s LOGIN; CREATE ROLE %s_owner LOGIN", service,
	    service);
	run_or_die(url, sql, "roles");
	snprintf(sql, sizeof(sql), "CREATE DATABASE %s OWNER %s_owner", service,
	    service);
	run_or_die(url, sql, "database");

	/* Run the migrations of the library first, as kedge migrate does. */
	run_files(owner_url, "base");
	run_files(owner_url, "job");
	run_files(owner_url, "audit");
	run_files(owner_url, service);
	free(owner_url);
}

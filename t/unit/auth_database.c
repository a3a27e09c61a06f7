#include "auth_database.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "db/db.h"
#include "db/db_script.h"
#include "schema.h"
#include "servers.h"

static char *database;
static struct arena *arena;
static struct db_script *script;

static void
open_script(const char *server)
{
	const char *problem;

	free(database);
	if (asprintf(&database, "%s dbname=auth", server) < 0)
		abort();
	arena = arena_new();
	if (db_script_open(arena, database, &script, &problem) == ERR_OK)
		return;
	fprintf(stderr, "%s: %s\n", database, problem);
	exit(1);
}

void
auth_database_start(void)
{
	const char *server = servers_start_postgres();

	schema_create(server, "auth");
	open_script(server);
}

const char *
auth_database_url(void)
{
	return database;
}

struct db *
auth_database_open(int64_t connections)
{
	return db_open(&(struct db_options){
	    .url = database,
	    .application_name = "test",
	    .connections = connections,
	    .acquire_timeout_ms = 1000,
	    .statement_timeout_ms = 5000,
	});
}

void
auth_database_stop(void)
{
	db_script_close(script);
	arena_free(arena);
	servers_stop_postgres();
}

void
auth_database_restart(void)
{
	open_script(servers_start_postgres());
}

void
sql(const char *text)
{
	enum err e = db_script_run(script, text);

	ck_assert_msg(e == ERR_OK, "%s: %s", text, db_script_problem(script));
}

const char *
sql_text(struct arena *a, const char *text)
{
	struct db_rows rows;

	ck_assert_int_eq(
	    db_script_query(script, a, text, DB_NO_ARGS, &rows), ERR_OK);
	return rows.count == 0 ? NULL : db_get_text(&rows, 0, 0);
}

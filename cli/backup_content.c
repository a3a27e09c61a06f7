#include "backup_content.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "db/db_script.h"

#include "message.h"

/* -- reading a database -- */

static bool
print_problem(struct db_script *script)
{
	print_error("PostgreSQL: %s", db_script_problem(script));
	return false;
}

/*
 * The text of a row depends on these settings, which a database or a role may
 * have changed.
 */
static const char settings_sql[] =
    "SET LOCAL search_path = pg_catalog; SET LOCAL TimeZone = 'UTC';"
    " SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres';"
    " SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex';"
    " SET LOCAL lc_monetary = 'C'; SET LOCAL statement_timeout = 0";

/* Makes a query for each table that counts its rows and adds their hashes. */
static const char tables_sql[] =
    "SELECT format('%I.%I', n.nspname, c.relname),"
    " format('SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)"
    " FROM %I.%I AS t', n.nspname, c.relname)"
    " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND c.relpersistence <> 't'"
    " AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
    " ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

static const char migrations_sql[] =
    "SELECT '' AS folder, version, name, checksum FROM public.kedge_migration"
    " UNION ALL"
    " SELECT folder, version, name, checksum"
    " FROM public.kedge_library_migration"
    " ORDER BY 1, 2";

static bool
read_tables(
    struct arena *a, struct db_script *script, struct backup_content *content)
{
	struct db_rows list, rows;
	struct backup_table *table;
	int i;

	if (db_script_query(script, a, tables_sql, DB_NO_ARGS, &list) != ERR_OK)
		return print_problem(script);
	content->ntables = list.count;
	content->tables =
	    arena_alloc(a, (size_t)list.count * sizeof(*content->tables));
	for (i = 0; i < list.count; i++) {
		table = &content->tables[i];
		if (db_script_query(script, a, db_get_text(&list, i, 1),
			DB_NO_ARGS, &rows) != ERR_OK)
			return print_problem(script);
		table->name = arena_strdup(a, db_get_text(&list, i, 0));
		table->rows = db_get_i64(&rows, 0, 0);
		table->hash = arena_strdup(a, db_get_text(&rows, 0, 1));
	}
	return true;
}

static bool
exists(struct arena *a, struct db_script *script, const char *sql,
    bool *ret_exists)
{
	struct db_rows rows;

	if (db_script_query(script, a, sql, DB_NO_ARGS, &rows) != ERR_OK)
		return print_problem(script);
	*ret_exists = !db_is_null(&rows, 0, 0);
	return true;
}

static bool
read_migrations(
    struct arena *a, struct db_script *script, struct backup_content *content)
{
	struct db_rows rows;
	bool migrated;
	int i;

	if (!exists(a, script, "SELECT to_regclass('public.kedge_migration')",
		&migrated))
		return false;
	if (!migrated)
		return true;
	if (db_script_query(script, a, migrations_sql, DB_NO_ARGS, &rows) !=
	    ERR_OK)
		return print_problem(script);
	content->nmigrations = rows.count;
	content->migrations =
	    arena_alloc(a, (size_t)rows.count * sizeof(*content->migrations));
	for (i = 0; i < rows.count; i++)
		content->migrations[i] = (struct backup_migration){
			.folder = arena_strdup(a, db_get_text(&rows, i, 0)),
			.name = arena_strdup(a, db_get_text(&rows, i, 2)),
			.checksum = arena_strdup(a, db_get_text(&rows, i, 3)),
		};
	return true;
}

static bool
read_ledger(
    struct arena *a, struct db_script *script, struct backup_ledger *ledger)
{
	struct db_rows rows;

	if (!exists(a, script,
		"SELECT to_regprocedure('public.ledger_check(integer)')",
		&ledger->exists))
		return false;
	if (!ledger->exists)
		return true;
	if (db_script_query(script, a,
		"SELECT accounts, transfers, entries, mismatches"
		" FROM public.ledger_check(100)",
		DB_NO_ARGS, &rows) != ERR_OK)
		return print_problem(script);
	ledger->accounts = db_get_i64(&rows, 0, 0);
	ledger->transfers = db_get_i64(&rows, 0, 1);
	ledger->entries = db_get_i64(&rows, 0, 2);
	ledger->mismatches = arena_strdup(a, db_get_text(&rows, 0, 3));
	return true;
}

bool
backup_content_read(struct arena *a, struct db_script *script,
    struct backup_content *ret_content)
{
	struct db_rows rows;

	*ret_content = (struct backup_content){ 0 };
	if (db_script_run(script, settings_sql) != ERR_OK ||
	    db_script_query(
		script, a, "SHOW server_version", DB_NO_ARGS, &rows) != ERR_OK)
		return print_problem(script);
	ret_content->server_version = arena_strdup(a, db_get_text(&rows, 0, 0));
	return read_tables(a, script, ret_content) &&
	       read_migrations(a, script, ret_content) &&
	       read_ledger(a, script, &ret_content->ledger);
}

/* -- JSON -- */

void
backup_content_write(struct buf *b, const struct backup_content *content)
{
	const struct backup_ledger *l = &content->ledger;
	int i;

	buf_puts(b, "\"serverVersion\": ");
	json_write_string(b, content->server_version);
	buf_puts(b, ",\n      \"migrations\": [");
	for (i = 0; i < content->nmigrations; i++) {
		buf_puts(b, i == 0 ? "\n        {\"folder\": "
				   : ",\n        {\"folder\": ");
		json_write_string(b, content->migrations[i].folder);
		buf_puts(b, ", \"name\": ");
		json_write_string(b, content->migrations[i].name);
		buf_puts(b, ", \"checksum\": ");
		json_write_string(b, content->migrations[i].checksum);
		buf_putc(b, '}');
	}
	buf_puts(b, "],\n      \"tables\": [");
	for (i = 0; i < content->ntables; i++) {
		buf_puts(b, i == 0 ? "\n        {\"name\": "
				   : ",\n        {\"name\": ");
		json_write_string(b, content->tables[i].name);
		buf_puts(b, ", \"rows\": ");
		buf_put_i64(b, content->tables[i].rows);
		buf_puts(b, ", \"hash\": ");
		json_write_string(b, content->tables[i].hash);
		buf_putc(b, '}');
	}
	buf_puts(b, "]");
	if (!l->exists)
		return;
	buf_printf(b,
	    ",\n      \"ledger\": {\"accounts\": %lld, \"transfers\": %lld,"
	    " \"entries\": %lld, \"mismatches\": ",
	    (long long)l->accounts, (long long)l->transfers,
	    (long long)l->entries);
	json_write_string(b, l->mismatches);
	buf_putc(b, '}');
}

static bool
parse_table(const struct json *j, struct backup_table *ret)
{
	ret->name = json_member_string(j, "name");
	ret->hash = json_member_string(j, "hash");
	return ret->name != NULL && ret->hash != NULL &&
	       json_member_int(j, "rows", &ret->rows);
}

static bool
parse_migration(const struct json *j, struct backup_migration *ret)
{
	ret->folder = json_member_string(j, "folder");
	ret->name = json_member_string(j, "name");
	ret->checksum = json_member_string(j, "checksum");
	return ret->folder != NULL && ret->name != NULL &&
	       ret->checksum != NULL;
}

static bool
parse_ledger(const struct json *j, struct backup_ledger *ret)
{
	if (j == NULL)
		return true;
	ret->exists = true;
	ret->mismatches = json_member_string(j, "mismatches");
	return ret->mismatches != NULL &&
	       json_member_int(j, "accounts", &ret->accounts) &&
	       json_member_int(j, "transfers", &ret->transfers) &&
	       json_member_int(j, "entries", &ret->entries);
}

bool
backup_content_parse(
    struct arena *a, const struct json *j, struct backup_content *ret_content)
{
	const struct json *tables = json_member(j, "tables");
	const struct json *migrations = json_member(j, "migrations");
	struct backup_content c = { 0 };
	int i;

	c.server_version = json_member_string(j, "serverVersion");
	if (c.server_version == NULL || tables == NULL || migrations == NULL ||
	    json_kind(tables) != JSON_KIND_ARRAY ||
	    json_kind(migrations) != JSON_KIND_ARRAY)
		return false;
	c.ntables = (int)json_count(tables);
	c.tables = arena_alloc(a, (size_t)c.ntables * sizeof(*c.tables));
	for (i = 0; i < c.ntables; i++)
		if (!parse_table(json_item(tables, (size_t)i), &c.tables[i]))
			return false;
	c.nmigrations = (int)json_count(migrations);
	c.migrations =
	    arena_alloc(a, (size_t)c.nmigrations * sizeof(*c.migrations));
	for (i = 0; i < c.nmigrations; i++)
		if (!parse_migration(
			json_item(migrations, (size_t)i), &c.migrations[i]))
			return false;
	if (!parse_ledger(json_member(j, "ledger"), &c.ledger))
		return false;
	*ret_content = c;
	return true;
}

/* -- comparing -- */

static const struct backup_table *
find_table(const struct backup_content *c, const char *name)
{
	int i;

	for (i = 0; i < c->ntables; i++)
		if (str_eq(c->tables[i].name, name))
			return &c->tables[i];
	return NULL;
}

static bool
compare_tables(const char *service, const struct backup_content *expected,
    const struct backup_content *found)
{
	const struct backup_table *was, *is;
	bool same = true;
	int i;

	for (i = 0; i < expected->ntables; i++) {
		was = &expected->tables[i];
		is = find_table(found, was->name);
		if (is != NULL && is->rows == was->rows &&
		    str_eq(is->hash, was->hash))
			continue;
		same = false;
		if (is == NULL)
			print_error(
			    "%s: the table %s is missing", service, was->name);
		else if (is->rows != was->rows)
			print_error("%s: the table %s has %lld rows; the "
				    "backup says %lld",
			    service, was->name, (long long)is->rows,
			    (long long)was->rows);
		else
			print_error("%s: the table %s has as many rows as the "
				    "backup says, with other content",
			    service, was->name);
	}
	for (i = 0; i < found->ntables; i++) {
		if (find_table(expected, found->tables[i].name) != NULL)
			continue;
		same = false;
		print_error("%s: the table %s is not in the backup's manifest",
		    service, found->tables[i].name);
	}
	return same;
}

static bool
compare_ledgers(const char *service, const struct backup_ledger *expected,
    const struct backup_ledger *found)
{
	bool same = expected->exists == found->exists &&
	            expected->accounts == found->accounts &&
	            expected->transfers == found->transfers &&
	            expected->entries == found->entries;

	if (!same)
		print_error("%s: the ledger's totals are not those of the "
			    "backup",
		    service);
	if (!found->exists || str_eq(found->mismatches, "[]"))
		return same;
	print_error(
	    "%s: the ledger is inconsistent: %s", service, found->mismatches);
	return false;
}

bool
backup_content_compare(const char *service,
    const struct backup_content *expected, const struct backup_content *found)
{
	bool same = compare_tables(service, expected, found);

	return compare_ledgers(service, &expected->ledger, &found->ledger) &&
	       same;
}

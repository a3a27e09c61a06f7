#include "auth/identity/account_store.h"

#include <assert.h>

#include "auth/identity/columns.h"
#include "auth/identity/user_store.h"
#include "auth/plugin_set.h"
#include "base/str.h"
#include "db/db.h"

#define NOW "date_trunc('milliseconds', now())"

/*
 * The account by which a user signs in with a password is that of the provider
 * `credential`, whatever its accountId is.  BetterAuth writes the user's id
 * there and 1.4 never read it; tools that import users into BetterAuth write
 * the address, or an id of the system that the users come from.  Of several
 * accounts, it is the one that BetterAuth 1.7 itself would use.
 */
static const char select_sql[] =
    "SELECT a.id, nullif(a.password, ''), %s"
    " FROM \"user\" u LEFT JOIN account a ON a.\"userId\" = u.id"
    " AND a.\"providerId\" = 'credential'"
    " WHERE u.\"%s\" = $1"
    " ORDER BY a.\"accountId\" = u.id DESC NULLS LAST,"
    " a.\"createdAt\", a.id LIMIT 1";
enum { ACCOUNT_ID, ACCOUNT_PASSWORD_HASH, ACCOUNT_USER };

/* The foreign key is checked at the end of the statement. */
static const char insert_sql[] =
    "WITH u AS ("
    "INSERT INTO \"user\" (id, name, email, \"emailVerified\", image,"
    " \"createdAt\", \"updatedAt\"%s)"
    " VALUES (uuidv7()::text, $1, $2, false, $3, " NOW ", " NOW "%s)"
    " RETURNING *"
    "), a AS ("
    "INSERT INTO account (id, \"accountId\", \"providerId\","
    " \"userId\", password, \"createdAt\", \"updatedAt\")"
    " SELECT uuidv7()::text, u.id, 'credential', u.id, $4, " NOW ", " NOW
    " FROM u RETURNING id, password"
    ") SELECT a.id, a.password, %s FROM u, a";
enum { INSERT_CORE_ARGS = 4 };

enum { KEYS_MAX = 2 + COLUMNS_MAX };

static struct composed {
	struct key {
		const char *column;
		struct db_stmt select;
	} keys[KEYS_MAX];
	int nkeys;
	struct columns columns;
	struct db_stmt insert;
} composed;

static void
add_key(const char *column)
{
	assert(composed.nkeys < KEYS_MAX);
	composed.keys[composed.nkeys++] = (struct key){
		.column = column,
		.select = {
		    .name = columns_text("account_select_by_%s", column),
		    .sql = columns_text(select_sql, user_columns(), column),
		    .nargs = 1,
		    .read_only = true,
		},
	};
}

static struct db_stmt
compose_insert(const struct columns *columns)
{
	const char *names = "", *values = "";
	int n = INSERT_CORE_ARGS;

	for (size_t i = 0; i < columns->count; i++) {
		names = columns_text(
		    "%s, \"%s\"", names, columns->items[i]->column);
		values = columns_text("%s, $%d", values, ++n);
	}
	return (struct db_stmt){
		.name = "account_insert_user",
		.sql = columns_text(insert_sql, names, values, user_columns()),
		.nargs = n,
	};
}

void
account_store_compose(const struct plugin_set *set)
{
	composed.nkeys = 0;
	composed.columns = set->user_columns;
	add_key("id");
	add_key("email");
	for (size_t i = 0; i < composed.columns.count; i++) {
		if (composed.columns.items[i]->is_key)
			add_key(composed.columns.items[i]->column);
	}
	composed.insert = compose_insert(&composed.columns);
}

static const struct db_stmt *
find_statement(const char *column)
{
	for (int i = 0; i < composed.nkeys; i++) {
		if (str_eq(composed.keys[i].column, column))
			return &composed.keys[i].select;
	}
	assert(false); /* no key column of an enabled plugin has this name */
	return NULL;
}

static struct account
account_read(struct arena *a, const struct db_rows *rows)
{
	return (struct account){
		.user = user_read(a, rows, 0, ACCOUNT_USER),
		.id = db_find_text(rows, 0, ACCOUNT_ID),
		.password_hash = db_find_text(rows, 0, ACCOUNT_PASSWORD_HASH),
	};
}

enum err
account_find_by(struct db *db, struct arena *a, const char *column,
    const char *value, struct account *ret_account)
{
	struct db_rows rows;
	enum err e =
	    db_run_one(db, a, find_statement(column), DB_ARGS(value), &rows);

	if (e != ERR_OK)
		return e;
	*ret_account = account_read(a, &rows);
	return ERR_OK;
}

static const struct db_stmt update_password = {
	.name = "account_update",
	.sql = "UPDATE account SET password = $3, \"updatedAt\" = " NOW
	       " WHERE id = $1 AND password = $2",
	.nargs = 3,
};

enum err
account_update(struct db *db, struct arena *a, const char *account_id,
    const char *old_hash, const char *new_hash)
{
	struct db_rows rows;
	enum err e = db_run(db, a, &update_password,
	    DB_ARGS(account_id, old_hash, new_hash), &rows);

	return e != ERR_OK || rows.affected == 1 ? e : ERR_NOT_FOUND;
}

enum err
account_insert_user(struct db *db, struct arena *a,
    const struct account_new *new, struct account *ret_account)
{
	const char *args[INSERT_CORE_ARGS + COLUMNS_MAX] = { new->name,
		new->email, new->image, new->password_hash };
	int n = INSERT_CORE_ARGS;
	struct db_rows rows;
	enum err e;

	for (size_t i = 0; i < composed.columns.count; i++)
		args[n++] = new->columns.set[i]
		                ? new->columns.texts[i]
		                : composed.columns.items[i]->fallback;
	e = db_run(db, a, &composed.insert,
	    (struct db_args){ .values = args, .count = n }, &rows);
	if (e != ERR_OK)
		return e;
	*ret_account = account_read(a, &rows);
	return ERR_OK;
}

/* The statement changes the same account that select_sql finds. */
static const struct db_stmt set_password = {
	.name = "account_set_password",
	.sql = "WITH found AS (SELECT a.id FROM account a"
	       " WHERE a.\"userId\" = $1 AND a.\"providerId\" = 'credential'"
	       " ORDER BY a.\"accountId\" = $1 DESC NULLS LAST,"
	       " a.\"createdAt\", a.id LIMIT 1"
	       "), changed AS (UPDATE account a SET password = $2,"
	       " \"updatedAt\" = " NOW " FROM found WHERE a.id = found.id"
	       ") INSERT INTO account (id, \"accountId\", \"providerId\","
	       " \"userId\", password, \"createdAt\", \"updatedAt\")"
	       " SELECT uuidv7()::text, $1, 'credential', $1, $2, " NOW ", " NOW
	       " WHERE NOT EXISTS (SELECT FROM found)",
	.nargs = 2,
};

enum err
account_set_password(struct db *tx, struct arena *a, const char *user_id,
    const char *password_hash)
{
	return db_run(
	    tx, a, &set_password, DB_ARGS(user_id, password_hash), NULL);
}

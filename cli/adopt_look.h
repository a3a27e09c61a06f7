/*
 * adopt_look: what is in a database that BetterAuth has made: its tables and
 * columns, its users by the ways in which they sign in, the roles, and the
 * settings of the server. Everything is read in one read-only transaction.
 */
#ifndef CLI_ADOPT_LOOK_H
#define CLI_ADOPT_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;
struct db_script;

/* BetterAuth's four tables that auth uses. */
enum adopt_core {
	ADOPT_USER,
	ADOPT_SESSION,
	ADOPT_ACCOUNT,
	ADOPT_VERIFICATION,
	ADOPT_CORE__MAX
};
extern const char *const adopt_core_tables[ADOPT_CORE__MAX];

/* A plugin of BetterAuth, known by what it adds to the database. */
struct adopt_plugin {
	const char *name; /* as in BetterAuth's manual; NULL ends the table */
	bool works; /* auth has it */
};
extern const struct adopt_plugin adopt_plugins[];

enum {
	ADOPT_TABLES_MAX = 500,
	ADOPT_COLUMNS_MAX = 400,
	ADOPT_PROVIDERS_MAX = 100,
};

struct adopt_table {
	const char *name;
	const char *owner;
	const struct adopt_plugin *plugin; /* NULL: none */
	bool is_core; /* one of BetterAuth's own tables */
	bool is_ours; /* has the name of one of Kedge's tables */
	bool refers_to_user; /* has a foreign key to "user" */
	/* of a table of the application an estimate; -1: unknown */
	int64_t rows;
	int64_t bytes;
};

/* A column of one of the four tables. */
struct adopt_column {
	const char *table, *name, *type;
	const struct adopt_plugin *plugin; /* NULL: none */
	bool is_core;
	bool is_required; /* NOT NULL, and nothing fills it */
	int64_t filled; /* rows in which it is not NULL */
};

struct adopt_provider {
	const char *name;
	int64_t users;
	int64_t users_without_password;
};

struct adopt_facts {
	struct arena *arena;

	/* the server and the connection */
	const char *version, *database, *encoding, *schema; /* of "user" */
	int64_t version_number, max_connections, database_bytes;
	bool in_recovery, fsync, synchronous_commit;
	const char *user; /* the role of the connection */
	bool is_superuser, may_create_roles;
	bool owns_database, owns_schema; /* or is a member of the owner */
	bool public_may_connect, public_may_create_temporary;
	bool public_may_create, public_may_create_schemas;
	/* the role of the connection, through whatever privilege */
	bool may_create_temporary, may_create;
	bool is_adopted; /* at least in part: tables of Kedge exist */

	/* the roles of Kedge */
	bool has_role; /* auth */
	bool role_is_made_by_us, role_is_superuser;
	bool role_may_connect, role_may_use_schema;
	bool has_owner_role; /* auth_owner */
	bool owner_role_is_made_by_us;
	bool owner_is_superuser; /* the owner of "user" */

	struct adopt_table tables[ADOPT_TABLES_MAX];
	int ntables;
	struct adopt_column columns[ADOPT_COLUMNS_MAX];
	int ncolumns;

	/* users; only if the tables "user" and account are there */
	int64_t users, with_password, with_both, only_provider, with_none;
	/* with a second factor, but no confirmed app for codes */
	int64_t factor_without_app;
	int64_t anonymous, second_factor, foreign_hashes, upper_case;
	int64_t usernames;
	int64_t locked_out; /* cannot sign in at Kedge, for whatever reason */
	int64_t live_sessions;
	struct adopt_provider providers[ADOPT_PROVIDERS_MAX];
	int nproviders;
	const char *line; /* which versions the schema is of */
};

/* Reads everything. False: an error was printed. */
MUST_CHECK bool adopt_look(
    struct arena *a, struct db_script *script, struct adopt_facts *ret_facts);

/*
 * Whether auth will ask for second factors: AUTH_PLUGINS of this command names
 * two-factor, or is not set, and then the adoption sets it.
 */
bool adopt_asks_second_factor(void);

/* Return the table or the column with that name; NULL: there is none. */
const struct adopt_table *
adopt_find_table(const struct adopt_facts *f, const char *name);
const struct adopt_column *adopt_find_column(
    const struct adopt_facts *f, const char *table, const char *name);

#endif

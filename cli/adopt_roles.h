/*
 * adopt_roles: the SQL that gives Kedge its roles in a database of BetterAuth,
 * and takes them away again.
 *
 * The migrations run as the owner of BetterAuth's tables, and the service logs
 * in as the role auth. If the tables belong to an ordinary role, that role
 * stays their owner: BetterAuth, which uses it, keeps all that it may do. If
 * they belong to a superuser, or to a role that is itself called auth, the
 * role auth_owner becomes their owner: functions of the database run with the
 * privileges of the owner.
 *
 * Each statement has an inverse. The inverses are kept in the table
 * kedge_adoption until "kedge adopt --undo" runs them.
 */
#ifndef CLI_ADOPT_ROLES_H
#define CLI_ADOPT_ROLES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct adopt_facts;
struct arena;
struct db_script;

enum { ADOPT_STEPS_MAX = 1100 };

struct adopt_step {
	const char *sql;
	const char *undo; /* NULL: it needs none */
};

/* The rights of the role that a connection has logged in as. */
struct adopt_power {
	const char *user;
	bool is_superuser, may_create_roles, owns_database, owns_schema;
	bool may_drop_auth; /* or the role does not exist */
};

struct adopt_roles_wanted {
	/* SQL expressions: 'text', or :'name' for psql */
	const char *auth_password, *owner_password;
	int64_t connections; /* CONNECTION LIMIT of the role auth */
	bool keep_password; /* keep the password of the role auth, if the role
	                       exists */
};

struct adopt_roles {
	struct adopt_step steps[ADOPT_STEPS_MAX];
	int nsteps;
	const char *owner; /* the role that runs the migrations */
	bool transfers; /* the tables get another owner */
	bool makes_auth, makes_owner; /* or sets a new password */
	/* the role that exists and gets another password; NULL: none */
	const char *renewed;
	/* why it is not possible, with what to do; NULL: it is */
	const char *problem;
	/* what the connection lacks, as a list; NULL: nothing */
	const char *lacks;
};

/* Reads what the connection may do. False: an error was printed. */
MUST_CHECK bool adopt_power_read(
    struct arena *a, struct db_script *script, struct adopt_power *ret_power);

void adopt_roles_plan(const struct adopt_facts *f,
    const struct adopt_roles_wanted *wanted, const struct adopt_power *power,
    struct adopt_roles *ret);
/* All steps as one text. */
const char *adopt_roles_sql(struct arena *a, const struct adopt_roles *r);
/* Makes the table kedge_adoption, as the owner, with the inverse statements. */
const char *adopt_record_sql(
    struct arena *a, const struct adopt_roles *r, int64_t accepted);

struct adopt_way_back {
	const char *owner_sql; /* to be run as the owner of the tables */
	const char *admin_sql; /* then as the administrator */
	const char *last_sql; /* then as the owner again; NULL: nothing */
	int64_t hosts; /* hosts on which auth runs on this database */
	bool is_adopted;
};
/*
 * What a connection lacks for the administrator's part, as a list; NULL:
 * nothing.
 */
const char *adopt_way_back_lacks(struct arena *a,
    const struct adopt_way_back *back, const struct adopt_power *power);
/*
 * The number of hosts on which auth runs on the database; 0 if Kedge has never
 * run on it. False: an error was printed.
 */
MUST_CHECK bool
adopt_hosts_read(struct arena *a, struct db_script *script, int64_t *ret_hosts);
/* Reads how to undo the adoption. False: an error was printed. */
MUST_CHECK bool adopt_way_back_read(
    struct arena *a, struct db_script *script, struct adopt_way_back *ret);

#endif

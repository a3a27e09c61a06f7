/*
 * privileges: keeps all roles but the owner from creating objects in a
 * service's database.
 *
 * The functions of the database run with the owner's privileges. A role that
 * can create objects, in the schema public or as temporary objects, could make
 * such a function use these objects instead of the right ones, and so act as
 * the owner. By default PostgreSQL lets every role create temporary objects
 * and, before version 15, objects in the schema public. "kedge up" revokes both
 * privileges in the databases that it makes; a database that was made in
 * another way may still have them.
 */
#ifndef CLI_PRIVILEGES_H
#define CLI_PRIVILEGES_H

#include <stdbool.h>

#include "base/attr.h"

struct arena;
struct db_rows;
struct db_script;

/*
 * To be called before migrations. Revokes CREATE and TEMPORARY from PUBLIC and
 * from the service's role. Then checks that both have lost them, that the
 * service's role owns nothing, and that it is not a member of the owner's role.
 * False: an error was printed that says what to do.
 */
MUST_CHECK bool privileges_secure(
    struct db_script *script, struct arena *a, const char *service);

/*
 * Finds wrong privileges without changing them: rows with the problem and with
 * the statement that solves it. False: an error was printed.
 */
MUST_CHECK bool privileges_find(struct db_script *script, struct arena *a,
    const char *service, struct db_rows *ret_rows);

#endif

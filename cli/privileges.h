/*
 * rights: what nobody but its owner may do in a service's database.
 *
 * The functions of a database run as its owner.  Whoever can create an object
 * that such a function could take for one of its own, in the schema public or
 * a temporary one, is a step away from being the owner.  By PostgreSQL's
 * defaults everybody may create temporary objects, and before version 15 in
 * the schema public too; a database that "kedge up" did not make has them.
 */
#ifndef CLI_PRIVILEGES_H
#define CLI_PRIVILEGES_H

#include <stdbool.h>

#include "base/attr.h"

struct arena;
struct db_script;

/*
 * Before migrations: revokes what PUBLIC and the service's role may create, and
 * checks that neither may any more, that the role owns nothing, and that it is
 * not a member of the owner.  False: a complaint says what to do.
 */
MUST_CHECK bool privileges_secure(
    struct db_script *script, struct arena *a, const char *service);

#endif

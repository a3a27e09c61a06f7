/*
 * connections: how processes connect to the stack's PostgreSQL: by which URL,
 * and how many connections each service may have.
 *
 * A role without a connection limit can take all connections of the server, and
 * then every service of that server answers 503.  So each service's role has a
 * limit: what its processes can open, twice, because in a rolling restart the
 * old processes still run when the new ones start, and some for people.
 */
#ifndef CLI_CONNECTIONS_H
#define CLI_CONNECTIONS_H

#include <stdint.h>

#include "spec.h"
#include "stack.h"

#define POSTGRES_SUPERUSER "kedge"
#define POSTGRES_DIR "pg"
#define POSTGRES_SOCKET POSTGRES_DIR "/.s.PGSQL.5432"

/*
 * A connection URL for a process that works in the stack's directory.  It works
 * anywhere else, too, unless the directory's path is too long for a socket.
 * password NULL: none.
 */
const char *connections_url(const struct stack *s, const char *role,
    const char *password, const char *database);

/*
 * The limit of a service's role, from kedge.json, or from the variables of our
 * own environment, which override it.
 */
int64_t connections_limit(struct arena *a, const struct spec_service *service);
/* For max_connections: all services' limits, and some for people. */
int64_t connections_of_server(struct arena *a, const struct spec *spec);

#endif

/*
 * connections: how processes connect to the stack's PostgreSQL: by which URL,
 * and how many connections each service may have.
 *
 * A role without a connection limit can take all connections of the server, and
 * then every service of that server answers 503. So the role of each service
 * has a limit: twice the number of connections that the service's processes can
 * open, because in a rolling restart the old processes still run when the new
 * ones start, and some more for people.
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
 * A connection URL for a process whose working directory is the stack's
 * directory. The URL works in any other directory, too, unless the path of the
 * stack's directory is too long for a socket. If `password` is NULL, the URL
 * has none.
 */
const char *connections_url(const struct stack *s, const char *role,
    const char *password, const char *database);

/*
 * The connection limit of a service's role. It is computed from kedge.json;
 * variables of this process's environment override the values there.
 */
int64_t connections_limit(struct arena *a, const struct spec_service *service);
/*
 * The value of max_connections: the limits of all services together, and some
 * more for people.
 */
int64_t connections_of_server(struct arena *a, const struct spec *spec);

#endif

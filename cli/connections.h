/*
 * connections: how many sessions of PostgreSQL a service may have.
 *
 * A role without a limit can take all sessions of a server, and then every
 * service of that server answers 503.  So each has what its processes can
 * open, twice, since in a rolling restart the old processes still run when the
 * new ones begin, and a few for people.
 */
#ifndef CLI_CONNECTIONS_H
#define CLI_CONNECTIONS_H

#include <stdint.h>

#include "spec.h"

/* By kedge.json, and by the variables of our own environment before it. */
int64_t connections_limit(struct arena *a, const struct spec_service *service);
/* For max_connections: those of all services, and of migrations and people. */
int64_t connections_of_server(struct arena *a, const struct spec *spec);

#endif

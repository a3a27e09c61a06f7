/*
 * service_main: the main() that all services share.
 *
 * A service is a `struct service_program`: its routes, its variables, and what
 * a worker opens.  service_main() gives it this command line:
 *
 *   NAME
 *       Run the master in the foreground; see process/master.h.  If the
 *       service has jobs, WORKER_PROCESSES of its processes run them.
 *   NAME --POOL
 *       The same with the processes of one pool only, for a unit or a host of
 *       its own: --api, --verify (of auth), --worker (those that run jobs).
 *   NAME --check [--POOL]
 *       Load the configuration; exit status 0 or 1.
 *   NAME --openapi
 *       Print the OpenAPI document; of the configuration, only PREFIX is read.
 *   NAME --config
 *       Print the variables as a markdown table.
 *   NAME jobs ...
 *       Manage the jobs; see docs/kedge.8.
 *
 * Every worker gets a `struct service_process`: the database, the cache and,
 * for a base service, its identity key, its limits and its client for auth.  It
 * is the first member of the service's own struct, if there is one, so r->app
 * can be read as either.
 */
#ifndef APP_SERVICE_MAIN_H
#define APP_SERVICE_MAIN_H

#include "app/service_config.h"
#include "app/service_hooks.h"
#include "app/service_process.h"
#include "app/service_program.h"
#include "base/config.h"
#include "base/err.h"
#include "web/service.h"

/* Returns the exit status. */
int service_main(const struct service_program *p, int argc, char **argv);

#endif

/*
 * service_env: the environment variables of a service that come from kedge.json
 * and are no secrets.
 */
#ifndef CLI_SERVICE_ENV_H
#define CLI_SERVICE_ENV_H

#include "env_file.h"
#include "site.h"

/* Adds the variables of a service that is not external. */
void service_env_add(const struct site *site,
    const struct spec_service *service, struct environment *e);
/*
 * The value that a variable has for the service: from the environment of "kedge
 * up" or, on a server, the operator's file /etc/kedge/NAME.env; otherwise from
 * kedge.json. NULL: the file cannot be read, or there is no such variable; an
 * error was printed.
 */
const char *service_env_value(const struct site *site,
    const struct spec_service *service, const char *name);

#endif

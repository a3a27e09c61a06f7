/*
 * environment: the environment variables of each service.
 *
 * Secrets are made once, from the kernel's random numbers, and stored in
 * secrets/ (secret_store.h). At each start, env/NAME.env is written for each
 * service, from kedge.json; it contains the paths of the service's secrets. A
 * variable NAME_... in the environment of `kedge up` overrides the file for
 * that run. A service gets only its own variables.
 */
#ifndef CLI_ENVIRONMENT_H
#define CLI_ENVIRONMENT_H

#include <stdbool.h>

#include "base/attr.h"

#include "env_file.h"
#include "secret_store.h"
#include "stack.h"

/* The place of the stack's secrets. */
struct secret_store environment_store(const struct stack *s);
/* Reads the secrets. Makes and stores those that are missing. */
MUST_CHECK bool
environment_secrets(const struct stack *s, struct environment *ret_secrets);
/*
 * Writes the file env/NAME.env of each service. `port` is that of the stack.
 */
MUST_CHECK bool environment_write(
    const struct stack *s, const struct environment *secrets, int port);
/*
 * The environment of a process for execve(): general variables (PATH, HOME,
 * ...) and, unless `service` is NULL, the service's variables.
 */
char *const *
environment_block(const struct stack *s, const struct spec_service *service);

#endif

/*
 * environment: the environment variables of each service.
 *
 * Secrets are made once, from the kernel's random numbers, and stored in
 * secrets/ (secret_store.h). At each start, env/NAME.env is written for each
 * service, from kedge.json, with the paths of the service's secrets, and from
 * the variables that a person has set in the environment of `kedge up` or in
 * the settings (settings.h): it has what is in force. A service gets only its
 * own variables.
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
/* Reads the secrets of all services. Makes and stores missing ones. */
MUST_CHECK bool
environment_secrets(const struct stack *s, struct environment *ret_secrets);
/*
 * Writes the file env/NAME.env of each service. `port` is the port of the
 * stack's nginx.
 */
MUST_CHECK bool environment_write(
    const struct stack *s, const struct environment *secrets, int port);
/*
 * The environment of a process for execve(): general variables (PATH, HOME,
 * ...) and, unless `service` is NULL, the service's variables.
 */
char *const *
environment_block(const struct stack *s, const struct spec_service *service);
/*
 * The value that a variable has for the service: from the environment of this
 * command or from env/NAME.env, or for a secret from the file that NAME_FILE
 * names there. NULL: there is no such variable, or the file cannot be read; an
 * error was printed.
 */
const char *environment_value(const struct stack *s,
    const struct spec_service *service, const char *name);
/*
 * Whether a person has given the service's variable NAME_name, or the path of a
 * file with its value: in the environment of this command, which includes the
 * settings.
 */
bool environment_is_given(const struct stack *s,
    const struct spec_service *service, const char *name);

#endif

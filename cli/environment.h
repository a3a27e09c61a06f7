/*
 * environment: what each service is told.
 *
 * Secrets are made once, by the kernel's random, and kept in env/secrets.
 * From them and from kedge.json, env/NAME.env is written anew at each start.
 * A variable NAME_... of our own environment comes before it, for that run,
 * and a service gets its own variables only.
 */
#ifndef CLI_ENVIRONMENT_H
#define CLI_ENVIRONMENT_H

#include <stdbool.h>

#include "base/attr.h"

#include "stack.h"

struct environment {
	const char *names[256];
	const char *values[256];
	int count;
};

/* env/secrets, with what is missing made and written. */
MUST_CHECK bool
environment_secrets(const struct stack *s, struct environment *ret_secrets);
/* Writes env/NAME.env of each service.  `url` is where the stack is served. */
MUST_CHECK bool environment_write(
    const struct stack *s, const struct environment *secrets, const char *url);
/*
 * "NAME=value" ended by NULL, for execve: what any process of ours gets (PATH,
 * HOME, ...) and, unless `service` is NULL, the service's variables.
 */
char *const *
environment_block(const struct stack *s, const struct spec_service *service);
/* NULL when it is not there. */
const char *environment_find(const struct environment *e, const char *name);

#endif

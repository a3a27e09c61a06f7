/* nginx: writes nginx's configuration to D/nginx/, and how to run nginx. */
#ifndef CLI_NGINX_H
#define CLI_NGINX_H

#include <stdbool.h>

#include "base/attr.h"

#include "process.h"
#include "stack.h"

/*
 * Writes the configuration, from the templates in nginx/ and from kedge.json.
 */
MUST_CHECK bool nginx_write(const struct stack *s, int port);
/*
 * Sets how to run nginx. False: nginx is not installed; an error was printed.
 */
MUST_CHECK bool
nginx_plan(const struct stack *s, int port, struct process *ret_process);

#endif

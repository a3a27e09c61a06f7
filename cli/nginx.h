/* nginx: its configuration, from nginx/ and kedge.json, into D/nginx/. */
#ifndef CLI_NGINX_H
#define CLI_NGINX_H

#include <stdbool.h>

#include "base/attr.h"

#include "process.h"
#include "stack.h"

MUST_CHECK bool nginx_write(const struct stack *s, int port);
/* False, having complained, when there is no nginx. */
MUST_CHECK bool
nginx_plan(const struct stack *s, int port, struct process *ret_process);

#endif

/*
 * restart: the commands that start a running stack again: `restart` stops and
 * starts all of it, `reload` replaces the workers of its services.
 */
#ifndef CLI_RESTART_H
#define CLI_RESTART_H

#include <stdbool.h>

#include "base/attr.h"

struct stack;

/*
 * Replaces the workers of one service, and waits until the old ones have ended.
 * The stack must have been entered.
 */
MUST_CHECK bool restart_workers(const struct stack *s, const char *service);

int restart_command(int argc, char **argv);
int reload_command(int argc, char **argv);

#endif

/* down: the command that stops a stack. */
#ifndef CLI_DOWN_H
#define CLI_DOWN_H

#include <stdbool.h>

#include "base/attr.h"

struct stack;

/*
 * Stops the stack and waits until its processes have ended; it succeeds also
 * when nothing runs. Enters the stack's directory, and holds its lock
 * afterwards, if there is a stack.
 */
MUST_CHECK bool down(struct stack *s);
int down_command(int argc, char **argv);

#endif

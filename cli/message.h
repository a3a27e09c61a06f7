/*
 * message: prints messages for the person who runs the command, one line each.
 *
 * A function of cli/ that returns false or NULL for a failure has printed the
 * error already, unless its header says otherwise; its callers only return.
 */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include "base/attr.h"

/* Prints a message to standard output and flushes it. */
void print_message(const char *fmt, ...) PRINTF(1, 2);
/* Prints a message to standard error, after "kedge: ". */
void print_error(const char *fmt, ...) PRINTF(1, 2);

#endif

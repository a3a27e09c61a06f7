/*
 * say: what the command tells the person who runs it.  Plain sentences, one
 * line each; a function that returns false for "it did not work" has complained
 * already, so that its callers only pass the false on.
 */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include "base/attr.h"

/* To standard output, at once. */
void print_message(const char *fmt, ...) PRINTF(1, 2);
/* To standard error, after "kedge: ". */
void print_error(const char *fmt, ...) PRINTF(1, 2);

#endif

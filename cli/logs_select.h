/*
 * logs_select: finds the log lines of one request, or those since a time, in
 * the logs of nginx and all services, and prints them in the order of time.
 */
#ifndef CLI_LOGS_SELECT_H
#define CLI_LOGS_SELECT_H

#include <stdbool.h>

#include "base/attr.h"

#include "stack.h"

struct logs_filter {
	const char *request; /* id of the request or of its trace; NULL: all */
	const char *since; /* as logs_read_since() returns it; NULL: all */
	const char *service; /* only lines of this log; NULL: all */
};

/*
 * Reads "90s", "10m", "2h", "3d" or a time in RFC 3339, and returns a time that
 * can be compared with those of log lines as text. NULL: it is neither; an
 * error was printed.
 */
const char *logs_read_since(struct arena *a, const char *text);
/* Whether the text can be the id of a request. If not, prints an error. */
MUST_CHECK bool logs_is_request(const char *text);
/* Prints the lines. False: there are none, or an error was printed. */
MUST_CHECK bool
logs_select(const struct stack *s, const struct logs_filter *filter);

#endif

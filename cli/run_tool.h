/*
 * run_tool: runs another program to its end, within a time limit, and collects
 * everything that it prints.
 */
#ifndef CLI_RUN_TOOL_H
#define CLI_RUN_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

struct tool_result {
	int status; /* the exit status; -1: killed by a signal or too slow */
	/* standard output and standard error; at most 4 MiB are kept */
	const char *text;
};

/*
 * Runs argv[0], a path, with standard input from /dev/null and with this
 * process's environment. False: it could not be started; an error was printed.
 */
MUST_CHECK bool run_tool(struct arena *a, const char *const *argv,
    int64_t timeout_ms, struct tool_result *ret_result);

#endif

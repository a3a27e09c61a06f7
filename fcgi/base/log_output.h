/*
 * log_output: lines to standard error, by whoever reads it or not, or to a
 * file.
 *
 * A full disk, a pipe that nobody empties and a terminal that is stopped cost
 * lines, never a request: a line that cannot be written at once is lost and
 * counted.
 */
#ifndef BASE_LOG_OUTPUT_H
#define BASE_LOG_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * Sees to it that writing does not wait.  Before that, and in programs that do
 * not call it, standard error is written to as it is.
 */
void log_output_set_nonblocking(void);
/*
 * From now on lines go to that file, which is made when it is not there.
 * False, with errno set: they go where they went before.
 */
MUST_CHECK bool log_output_open(const char *path);
/* A line with its newline, in one write(2). */
void log_output_write(const char *line, size_t len);
/* Lines lost since the last call, once one could be written again; else 0. */
int64_t log_output_take_lost(void);

#endif

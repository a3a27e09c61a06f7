/*
 * log_output: writes lines to standard error or to a file, without waiting for
 * a reader.
 *
 * A full disk, a pipe that nobody reads and a stopped terminal lose lines, but
 * never delay a request: a line that cannot be written at once is dropped and
 * counted.
 */
#ifndef BASE_LOG_OUTPUT_H
#define BASE_LOG_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * Makes writing nonblocking.  Before this call, and in programs that do not
 * make it, standard error is written to as it is.
 */
void log_output_set_nonblocking(void);
/*
 * Writes all further lines to that file, which is created if necessary.  On
 * failure returns false, with errno set, and the output stays as it was.
 */
MUST_CHECK bool log_output_open(const char *path);
/* Writes a line, including its newline, by one write(2). */
void log_output_write(const char *line, size_t len);
/*
 * The number of lines lost since the last call, once a line could be written
 * again; before that, 0.
 */
int64_t log_output_take_lost(void);

#endif

/*
 * log_output: writes log lines to standard error or to a file, without waiting
 * for whoever reads them.
 *
 * A line that cannot be written at once, because the disk is full, nobody reads
 * the pipe or the terminal is stopped, is dropped and counted.  So logging
 * never delays a request.
 */
#ifndef BASE_LOG_OUTPUT_H
#define BASE_LOG_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * Makes writing nonblocking.  Until a program calls this, writing to standard
 * error may block.
 */
void log_output_set_nonblocking(void);
/*
 * Writes all further log lines to the file `path`, which is created if
 * necessary.  On failure returns false, with errno set; lines are then written
 * to where they went before.
 */
MUST_CHECK bool log_output_open(const char *path);
/*
 * Whether the lines go to systemd's journal, which reads the priority of a line
 * from "<N>" before it.  False before log_output_set_nonblocking().
 */
bool log_output_is_journal(void);
/* Writes a line, including its newline, with one write(2). */
void log_output_write(const char *line, size_t len);
/*
 * Returns how many lines were lost since the previous call, and starts counting
 * again.  Returns 0, and keeps the number, while the output does not work.
 */
int64_t log_output_take_lost(void);

#endif

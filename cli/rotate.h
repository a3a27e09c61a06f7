/*
 * rotate: log rotation. A log that has grown over ROTATE_BYTES is copied to
 * NAME.log.1, which replaces the previous copy, and is then truncated.
 *
 * The log is not renamed, because the process that writes it keeps it open.
 * That process opened it for appending, so it continues at the new end. Lines
 * that are written between the copy and the truncation are lost.
 */
#ifndef CLI_ROTATE_H
#define CLI_ROTATE_H

#include "base/attr.h"

struct arena;

enum { ROTATE_BYTES = 16 * 1024 * 1024 };

/*
 * Rotates the log at `path` if it is too large. When the copy fails, prints an
 * error and truncates the log anyway.
 */
void rotate_log(struct arena *a, const char *path);

#endif

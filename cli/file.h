/* file: reads and writes small files as a whole. */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"

struct arena;

enum { FILE_MAX_BYTES = 4 * 1024 * 1024 };

/*
 * The contents, with a NUL after them; NULL, with errno, when the file cannot
 * be read or is larger than FILE_MAX_BYTES (EFBIG).  Prints no error.
 */
char *file_find(struct arena *a, const char *path, size_t *ret_len);
/* Like file_find(), but prints an error. */
char *file_read(struct arena *a, const char *path, size_t *ret_len);
/*
 * Writes a new file and renames it, so that a reader sees either the old or the
 * new contents, never a part.
 */
MUST_CHECK bool
file_write(struct arena *a, const char *path, mode_t mode, const char *text);
/*
 * Like file_write(), but does not touch a file that has the same text already.
 */
MUST_CHECK bool
file_update(struct arena *a, const char *path, mode_t mode, const char *text);
/* Succeeds if the directory exists; its mode is not changed then. */
MUST_CHECK bool file_make_dir(const char *path, mode_t mode);
bool file_exists(const char *path);
/* The last `max` bytes of a file; "" when it cannot be read. */
const char *file_tail(struct arena *a, const char *path, size_t max);

#endif

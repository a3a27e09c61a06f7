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
 * Reads a file. Returns its contents, followed by a NUL; returns NULL and sets
 * errno when the file cannot be read or is larger than FILE_MAX_BYTES (EFBIG).
 * Prints no error.
 */
char *file_find(struct arena *a, const char *path, size_t *ret_len);
/* Like file_find(), but prints an error before it returns NULL. */
char *file_read(struct arena *a, const char *path, size_t *ret_len);
/*
 * Writes a new file and renames it to `path`, so that a reader of `path` sees
 * either the old or the new contents, never a part of the new.
 */
MUST_CHECK bool
file_write(struct arena *a, const char *path, mode_t mode, const char *text);
/* Like file_write(), but does nothing when the file already has this text. */
MUST_CHECK bool
file_update(struct arena *a, const char *path, mode_t mode, const char *text);
/*
 * Makes a directory. If it exists, the call succeeds and does not change its
 * mode.
 */
MUST_CHECK bool file_make_dir(const char *path, mode_t mode);
bool file_exists(const char *path);
/* Returns the last `max` bytes of a file; "" when the file cannot be read. */
const char *file_tail(struct arena *a, const char *path, size_t max);

#endif

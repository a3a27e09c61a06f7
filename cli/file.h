/* file: small files, read and written whole. */
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
 * be read or is larger than FILE_MAX_BYTES (EFBIG).  Does not complain.
 */
char *file_find(struct arena *a, const char *path, size_t *ret_len);
/* The same, but complains. */
char *file_read(struct arena *a, const char *path, size_t *ret_len);
/*
 * Puts the text in the file's place by a rename, so that a reader sees the
 * old contents or the new, and never half of them.
 */
MUST_CHECK bool
file_write(struct arena *a, const char *path, mode_t mode, const char *text);
/* As file_write, but leaves a file alone that holds the text already. */
MUST_CHECK bool
file_update(struct arena *a, const char *path, mode_t mode, const char *text);
/* An existing directory is fine; its mode is left as it is. */
MUST_CHECK bool file_make_dir(const char *path, mode_t mode);
bool file_exists(const char *path);
/* The newest part of a file, at most `max` bytes of it; "" for none. */
const char *file_tail(struct arena *a, const char *path, size_t max);

#endif

/*
 * mail_file: writes messages into a directory instead of sending them, for
 * development: one file ID.eml for each, which appears whole or not at all.
 */
#ifndef MAIL_MAIL_FILE_H
#define MAIL_MAIL_FILE_H

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;

/*
 * Writes the file, with mode 0600; one of the same id is replaced.
 * ERR_UNAVAILABLE: *ret_reason says why not.
 */
MUST_CHECK enum err mail_file_write(struct arena *a, const char *directory,
    const char *id, const char *text, size_t len, const char **ret_reason);

#endif

/*
 * secret: reads the value of a secret variable, which has three possible
 * sources: the environment variable NAME itself; the file whose path is in the
 * environment variable NAME_FILE; and the systemd credential NAME, which is the
 * file NAME in the directory $CREDENTIALS_DIRECTORY (LoadCredential= in
 * systemd.exec(5)).
 *
 * At most one of them may be set, so that nobody believes that a value is in
 * use which is not.  A file must be a regular file with one line; one newline
 * at its end does not belong to the secret.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>

#include "base/attr.h"

struct arena;

enum {
	SECRET_NAME_SIZE = 128, /* longest name of a variable, with its NUL */
	SECRET_FILE_MAX_BYTES = 16384,
};

struct secret {
	const char *text; /* NULL: no source is set */
	const char *path; /* the file that was read; NULL: the environment */
	/*
	 * The mode of the file, if users other than its owner and group may
	 * read or change it; otherwise 0.
	 */
	unsigned open_mode;
};

/*
 * Reads the secret.  `empty_is_unset` tells whether an empty environment
 * variable counts as not set.  The texts are in the arena or in the
 * environment.  False: *ret_problem says what is wrong with which source and
 * what to do, without the value.
 */
MUST_CHECK bool secret_read(struct arena *a, const char *name,
    bool empty_is_unset, struct secret *ret_secret, const char **ret_problem);

#endif

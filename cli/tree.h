/* tree: directories with everything in them. */
#ifndef CLI_TREE_H
#define CLI_TREE_H

#include <stdbool.h>

#include "base/attr.h"

/*
 * Deletes a directory and everything in it; follows no symbolic link. A
 * directory that does not exist is no error. False: an error was printed.
 */
MUST_CHECK bool tree_remove(const char *path);

#endif

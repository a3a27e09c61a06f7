#include "tree.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>

#include "message.h"

enum { OPEN_MAX_DIRS = 16 };

static int
remove_one(const char *path, const struct stat *info UNUSED, int type UNUSED,
    struct FTW *at UNUSED)
{
	if (remove(path) == 0 || errno == ENOENT)
		return 0;
	print_error("cannot delete %s: %s", path, strerror(errno));
	return 1;
}

bool
tree_remove(const char *path)
{
	int rc = nftw(
	    path, remove_one, OPEN_MAX_DIRS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);

	if (rc == -1 && errno != ENOENT)
		print_error("cannot read %s: %s", path, strerror(errno));
	return rc == 0 || (rc == -1 && errno == ENOENT);
}

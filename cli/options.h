/* options: the flags that commands share. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>

#include "base/attr.h"

enum options_allowed {
	OPTIONS_DIR = 1,
	OPTIONS_PORT = 2,
	OPTIONS_DETACH = 4,
	OPTIONS_FOLLOW = 8,
};

struct options {
	const char *dir; /* NULL: the default */
	int port; /* 8080; 0: any that is free */
	bool detach;
	bool follow;
	char **args; /* what is no flag */
	int nargs;
};

/*
 * argv[0] is the command's name.  Complains of what is not allowed and of more
 * than `args_max` other arguments.
 */
MUST_CHECK bool options_read(
    struct options *o, int argc, char **argv, unsigned allowed, int args_max);

#endif

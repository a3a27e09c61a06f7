/*
 * start_options: the options of "kedge up" that decide what runs, in a file of
 * the stack, so that "kedge restart" starts the same and "kedge doctor" knows
 * what nginx's files follow from.
 */
#ifndef CLI_START_OPTIONS_H
#define CLI_START_OPTIONS_H

#include <stdbool.h>

#include "base/attr.h"

struct arena;
struct stack;

struct start_options {
	const char *listen; /* --listen; NULL: not given */
	const char *web; /* --web, an absolute path or an address; NULL */
	bool force; /* --force */
};

MUST_CHECK bool
start_options_write(struct arena *a, const struct start_options *o);
/* Those of the last start; a release that wrote no file had none. */
struct start_options start_options_read(struct arena *a);
/* Makes the stack's description what the options say. */
MUST_CHECK bool start_options_apply(struct stack *s);

#endif

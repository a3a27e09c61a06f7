#include "destroy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

#include "down.h"
#include "message.h"
#include "options.h"
#include "postgres.h"
#include "stack.h"
#include "tree.h"

static bool
confirm(const struct stack *s, const char *cluster)
{
	char answer[8];

	if (!isatty(STDIN_FILENO)) {
		print_error(
		    "destroy deletes all data in %s; with --yes it does "
		    "not ask",
		    s->dir);
		return false;
	}
	printf("Delete %s%s%s with all databases, secrets and logs? [y/N] ",
	    s->dir, cluster != NULL ? " and " : "",
	    cluster != NULL ? cluster : "");
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

static bool
destroy(struct stack *s, bool yes)
{
	const char *cluster;

	if (!stack_enter(s))
		return false;
	cluster = postgres_linked_dir(s->arena);
	if (!yes && !confirm(s, cluster)) {
		print_message("nothing was deleted");
		return false;
	}
	if (!down(s) || (cluster != NULL && !tree_remove(cluster)) ||
	    chdir("/") == -1 || !tree_remove(s->dir))
		return false;
	print_message("deleted %s", s->dir);
	return true;
}

int
destroy_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct options options;
	struct stack s;
	int status = OPTIONS_USAGE;

	if (options_read(&options, argc, argv, OPTIONS_DIR | OPTIONS_YES,
		/* args_max= */ 0))
		status =
		    stack_open(&s, a, options.dir) && destroy(&s, options.yes)
			? 0
			: 1;
	arena_free(a);
	return status;
}

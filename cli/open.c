#include "open.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"

#include "lock.h"
#include "message.h"
#include "options.h"
#include "record.h"
#include "stack.h"
#include "tool.h"

static bool
has_display(void)
{
	return getenv("DISPLAY") != NULL || getenv("WAYLAND_DISPLAY") != NULL;
}

static int
show(const struct stack *s)
{
	struct record record;
	const char *opener;
	char *argv[3] = { NULL };

	if (lock_holder() == 0 || !record_read(s->arena, &record)) {
		print_error(
		    "nothing runs in %s; \"kedge up\" starts it", s->dir);
		return 1;
	}
	print_message("%s", record.url);
	if (!has_display())
		return 0;
	opener = tool_find(s->arena, "xdg-open");
	if (opener == NULL)
		return 1;
	argv[0] = arena_strdup(s->arena, "xdg-open");
	argv[1] = arena_strdup(s->arena, record.url);
	execv(opener, argv);
	print_error("cannot run %s: %s", opener, strerror(errno));
	return 1;
}

int
open_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct options options;
	struct stack s;
	int status = 1;

	if (!options_read(&options, argc, argv, OPTIONS_DIR, /* args_max= */ 0))
		status = OPTIONS_USAGE;
	else if (stack_open(&s, a, options.dir) && stack_enter(&s))
		status = show(&s);
	arena_free(a);
	return status;
}

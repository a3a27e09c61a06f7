#include "help.h"

#include <stdio.h>

#include "base/arena.h"

#include "file.h"
#include "stack.h"

int
help_print(const char *command)
{
	struct arena *a = arena_new();
	const char *root = stack_root(a);
	const char *text = NULL;

	if (root != NULL)
		text = file_read(a,
		    arena_printf(a, "%s/cli/help/%s", root,
			command != NULL ? command : "kedge"),
		    /* ret_len= */ NULL);
	if (text != NULL)
		fputs(text, stdout);
	arena_free(a);
	return text != NULL ? 0 : 1;
}

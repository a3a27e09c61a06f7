#include "completion.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"

#include "file.h"
#include "message.h"
#include "options.h"
#include "stack.h"

static bool
print_file(struct arena *a, const char *name)
{
	const char *root = stack_root(a);
	const char *text = NULL;

	if (root != NULL)
		text = file_read(a,
		    arena_printf(a, "%s/cli/completion/%s", root, name),
		    /* ret_len= */ NULL);
	if (text != NULL)
		fputs(text, stdout);
	return text != NULL;
}

/* For the scripts: the names of the services. */
static bool
print_services(struct arena *a)
{
	struct stack s;

	if (!stack_open(&s, a, /* dir_option= */ NULL))
		return false;
	for (int i = 0; i < s.spec.nservices; i++)
		puts(s.spec.services[i].name);
	return true;
}

static bool
print(struct arena *a, const char *shell)
{
	if (str_eq(shell, "services"))
		return print_services(a);
	return (!str_eq(shell, "zsh") || print_file(a, "zsh")) &&
	       print_file(a, "bash");
}

int
completion_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct options options;
	const char *shell = "";
	int status = OPTIONS_USAGE;

	if (options_read(&options, argc, argv, /* allowed= */ 0,
		/* args_max= */ 1)) {
		if (options.nargs == 1)
			shell = options.args[0];
		if (str_eq(shell, "bash") || str_eq(shell, "zsh") ||
		    str_eq(shell, "services"))
			status = print(a, shell) ? 0 : 1;
		else
			print_error("completion needs a shell: \"kedge "
				    "completion bash\" or \"kedge completion "
				    "zsh\"");
	}
	arena_free(a);
	return status;
}

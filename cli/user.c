#include "user.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

#include "environment.h"
#include "lock.h"
#include "say.h"
#include "stack.h"

/*
 * The arguments are auth's, all but --dir.  False when that has no value.
 * `args` has room for argc + 2.
 */
static bool
take_dir(int argc, char **argv, char **args, const char **ret_dir)
{
	int n = 2;
	int i;

	for (i = 1; i < argc; i++) {
		if (str_has_prefix(argv[i], "--dir=")) {
			*ret_dir = argv[i] + strlen("--dir=");
		} else if (!str_eq(argv[i], "--dir")) {
			args[n++] = argv[i];
		} else if (++i < argc) {
			*ret_dir = argv[i];
		} else {
			complain("--dir: which directory?");
			return false;
		}
	}
	args[n] = NULL;
	return true;
}

static void
run(const struct stack *s, char **args)
{
	char *const *env;

	if (lock_holder() == 0) {
		complain("nothing runs in %s; \"kedge up\" starts it", s->dir);
		return;
	}
	env = environment_block(s, s->spec.verifier);
	if (env == NULL)
		return;
	args[0] =
	    arena_printf(s->arena, "%s/%s", s->bin, s->spec.verifier->name);
	args[1] = arena_strdup(s->arena, "user");
	execve(args[0], args, env);
	complain("cannot run %s: %s", args[0], strerror(errno));
}

int
user_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	char **args = arena_alloc(a, ((size_t)argc + 2) * sizeof(*args));
	const char *dir = NULL;
	struct stack s;

	if (take_dir(argc, argv, args, &dir) && stack_open(&s, a, dir) &&
	    stack_enter(&s))
		run(&s, args);
	arena_free(a);
	return 1;
}

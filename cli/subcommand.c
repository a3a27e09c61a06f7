#include "subcommand.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

#include "environment.h"
#include "lock.h"
#include "message.h"
#include "settings.h"
#include "stack.h"

/*
 * Copies the arguments that are for the service; the option --dir is for this
 * command. False: --dir has no value. `args` has room for argc + 2 pointers.
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
			print_error("--dir needs a directory");
			return false;
		}
	}
	args[n] = NULL;
	return true;
}

static void
run(const struct stack *s, const struct spec_service *service, char **args)
{
	char *const *env;

	if (lock_holder() == 0) {
		print_error(
		    "nothing runs in %s; \"kedge up\" starts it", s->dir);
		return;
	}
	env = environment_block(s, service);
	if (env == NULL)
		return;
	args[0] = arena_printf(s->arena, "%s/%s", s->bin, service->name);
	execve(args[0], args, env);
	print_error("cannot run %s: %s", args[0], strerror(errno));
}

int
user_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	char **args = arena_alloc(a, ((size_t)argc + 2) * sizeof(*args));
	const char *dir = NULL;
	struct stack s;

	if (take_dir(argc, argv, args, &dir) && stack_open(&s, a, dir) &&
	    stack_enter(&s) && settings_load(a, &s.spec)) {
		args[1] = arena_strdup(a, "user");
		run(&s, s.spec.verifier, args);
	}
	arena_free(a);
	return 1;
}

/* Finds the service that the command names. NULL: an error was printed. */
static const struct spec_service *
find_with_jobs(const struct spec *spec, const char *name)
{
	const struct spec_service *service = NULL;

	if (name != NULL)
		service = spec_find(spec, name);
	if (name == NULL)
		print_error("usage: kedge jobs SERVICE list|show|retry|cancel|"
			    "enqueue|queues|pause|resume|schedules ...");
	else if (service == NULL)
		print_error("there is no service %s", name);
	else if (service->workers == 0)
		print_error("%s has no jobs", name);
	else
		return service;
	return NULL;
}

int
jobs_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	char **args = arena_alloc(a, ((size_t)argc + 2) * sizeof(*args));
	const struct spec_service *service;
	const char *dir = NULL;
	struct stack s;

	if (take_dir(argc, argv, args, &dir) && stack_open(&s, a, dir) &&
	    stack_enter(&s) && settings_load(a, &s.spec)) {
		service = find_with_jobs(&s.spec, args[2]);
		if (service == NULL) {
			arena_free(a);
			return 2;
		}
		/*
		 * The service's own command has no service name: "jobs SERVICE
		 * VERB" becomes "jobs VERB".
		 */
		args[2] = arena_strdup(a, "jobs");
		args++;
		run(&s, service, args);
	}
	arena_free(a);
	return 1;
}

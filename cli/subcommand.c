#include "subcommand.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

#include "audit.h"
#include "env_file.h"
#include "environment.h"
#include "file.h"
#include "lock.h"
#include "message.h"
#include "nearest.h"
#include "service_named.h"
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

/*
 * The environment of a service of this host, as its unit has it. The secrets
 * are read as credentials, like those that systemd passes.
 */
static char *const *
system_environment(const struct stack *s, const struct spec_service *service)
{
	struct arena *a = s->arena;
	struct environment e = { 0 };
	const char *own = arena_printf(a, SYSTEM_DIR "/%s.env", service->name);
	char **block;
	int i;

	if (!environment_parse(a,
		arena_printf(
		    a, SYSTEM_DIR "/generated/env/%s.env", service->name),
		&e) ||
	    !environment_parse_if_exists(a, own, &e))
		return NULL;
	environment_put(&e, "CREDENTIALS_DIRECTORY",
	    arena_printf(a, SYSTEM_SECRETS_DIR "/%s", service->name));
	environment_put(&e, "PATH", "/usr/bin:/bin");
	block = arena_alloc(a, ((size_t)e.count + 1) * sizeof(*block));
	/* The last line about a variable counts, as in systemd. */
	for (i = 0; i < e.count; i++)
		block[i] = arena_printf(a, "%s=%s", e.names[e.count - 1 - i],
		    e.values[e.count - 1 - i]);
	block[e.count] = NULL;
	return block;
}

/* Adds the person who calls, for the audit log (audit/audit.h). */
static char *const *
with_actor(struct arena *a, char *const *env)
{
	size_t n = 0;
	char **more;

	while (env[n] != NULL)
		n++;
	more = arena_alloc(a, (n + 2) * sizeof(*more));
	memcpy(more, env, n * sizeof(*more));
	more[n] = arena_printf(a, "KEDGE_ACTOR=%s", audit_caller(a));
	more[n + 1] = NULL;
	return more;
}

/* Runs the program of a service of this host, as the service's user. */
static void
run_in_system(
    const struct stack *s, const struct spec_service *service, char **args)
{
	const char *user = arena_printf(s->arena, "kedge-%s", service->name);
	char *const *env = system_environment(s, service);
	const struct passwd *pw = getpwnam(user);

	if (env == NULL)
		return;
	if (pw == NULL) {
		print_error(
		    "there is no user %s; \"kedge apply\" makes it", user);
		return;
	}
	args[0] = arena_printf(s->arena, "%s/%s", s->bin, service->name);
	env = with_actor(s->arena, env); /* before it is another user's */
	if (initgroups(user, pw->pw_gid) == -1 || setgid(pw->pw_gid) == -1 ||
	    setuid(pw->pw_uid) == -1 || chdir("/") == -1)
		print_error("cannot become %s: %s", user, strerror(errno));
	else if (execve(args[0], args, env) == -1)
		print_error("cannot run %s: %s", args[0], strerror(errno));
}

static void
run(const struct stack *s, const struct spec_service *service, char **args)
{
	char *const *env;

	if (s->is_system) {
		run_in_system(s, service, args);
		return;
	}
	if (lock_holder() == 0) {
		print_error(
		    "nothing runs in %s; \"kedge up\" starts it", s->dir);
		return;
	}
	env = environment_block(s, service);
	if (env == NULL)
		return;
	args[0] = arena_printf(s->arena, "%s/%s", s->bin, service->name);
	execve(args[0], args, with_actor(s->arena, env));
	print_error("cannot run %s: %s", args[0], strerror(errno));
}

/*
 * The verbs of `kedge user` and `kedge jobs`. The services implement them;
 * t/79-cli.t compares the lists.
 */
static const char *const user_verbs[] = { "create", "list", "show", "role",
	"password", "two-factor", "sessions", "ban", "unban", "sign-out",
	"delete", NULL };
static const char *const jobs_verbs[] = { "list", "show", "retry", "cancel",
	"enqueue", "queues", "pause", "resume", "schedules", NULL };

/*
 * Whether the command has this verb; if not, prints which one was meant. It is
 * asked before a stack is opened, because a misspelled verb is none of its
 * faults.
 */
static bool
check_verb(const char *command, const char *const *verbs, const char *verb)
{
	const char *meant;

	for (const char *const *v = verbs; *v != NULL; v++)
		if (str_eq(*v, verb))
			return true;
	if (verb == NULL) {
		print_error("%s needs a verb; see \"kedge %s --help\"", command,
		    command);
		return false;
	}
	meant = nearest_name(verbs, verb);
	print_error("%s has no verb %s%s%s%s; see \"kedge %s --help\"", command,
	    verb, meant != NULL ? " (" : "", meant != NULL ? meant : "",
	    meant != NULL ? "?)" : "", command);
	return false;
}

/*
 * Opens the stack that the command means, and enters it unless it is that of
 * this host.
 */
static bool
open_stack(struct stack *s, struct arena *a, const char *dir)
{
	if (!stack_open(s, a, dir))
		return false;
	if (stack_wants_system(s, dir))
		return stack_open_system(s, a);
	return stack_enter(s) && settings_load(a, &s->spec);
}

int
user_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	char **args = arena_alloc(a, ((size_t)argc + 2) * sizeof(*args));
	const char *dir = NULL;
	struct stack s;

	if (!take_dir(argc, argv, args, &dir) ||
	    !check_verb("user", user_verbs, args[2])) {
		arena_free(a);
		return 2;
	}
	if (open_stack(&s, a, dir)) {
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

	if (name == NULL)
		print_error("jobs needs a service and a verb; see \"kedge jobs "
			    "--help\"");
	else
		service = service_named(spec, name);
	if (service == NULL)
		return NULL;
	if (service->workers == 0)
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

	if (!take_dir(argc, argv, args, &dir) ||
	    (args[2] != NULL && !check_verb("jobs", jobs_verbs, args[3]))) {
		arena_free(a);
		return 2;
	}
	if (open_stack(&s, a, dir)) {
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

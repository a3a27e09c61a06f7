/* The command kedge.  kedge.8 describes it. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "base/str.h"
#include "web/service.h"

#include "down.h"
#include "logs.h"
#include "message.h"
#include "migrate.h"
#include "status.h"
#include "subcommand.h"
#include "up.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;
	const char *summary;
};

static int help_command(int argc, char **argv);
static int version_command(int argc, char **argv);

/* clang-format off */
static const struct command commands[] = {
	{ "up", up_command, "[--port N] [--dir D] [--detach]",
	  "start everything on 127.0.0.1:N (8080); Ctrl-C stops it" },
	{ "down", down_command, "[--dir D]",
	  "stop what \"up\" started" },
	{ "status", status_command, "[--dir D]",
	  "show the processes; exit status 3 when none runs" },
	{ "logs", logs_command, "[SERVICE] [-f] [--dir D]",
	  "show the logs; -f follows them" },
	{ "migrate", migrate_command, "[SERVICE] [--dir D]",
	  "run the migrations in sql/ that are missing" },
	{ "user", user_command, "create|role|list ... [--dir D]",
	  "create, list and change users of auth; see \"user help\"" },
	{ "jobs", jobs_command, "SERVICE list|show|retry|... [--dir D]",
	  "a service's background jobs; see \"jobs SERVICE help\"" },
	/*
	 * The script ./kedge implements these commands, since they must work
	 * before this binary is built.
	 */
	{ "test", NULL, "[FILES...]",
	  "build, and run the unit and integration tests" },
	{ "setup", NULL, "[up|test|lint|bench]...",
	  "install the packages for that with apt" },
	{ "version", version_command, "", "print the version" },
	{ "help", help_command, "", "print this" },
};
/* clang-format on */

static int
help_command(int argc UNUSED, char **argv UNUSED)
{
	size_t i;

	printf("usage: kedge COMMAND [ARGUMENTS]\n\n");
	for (i = 0; i < COUNT_OF(commands); i++)
		printf("  %s %s\n\t%s\n", commands[i].name, commands[i].usage,
		    commands[i].summary);
	printf(
	    "\nD is the stack's directory; the default is .run in a checkout,\n"
	    "otherwise ~/.local/share/kedge.\n");
	return 0;
}

static int
version_command(int argc UNUSED, char **argv UNUSED)
{
	printf("kedge " KEDGE_VERSION "\n");
	return 0;
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "help";
	size_t i;

	/*
	 * New files shall have exactly the modes that are passed to open() and
	 * mkdir().
	 */
	umask(022);
	if (str_eq(name, "--help") || str_eq(name, "-h"))
		name = "help";
	if (str_eq(name, "--version"))
		name = "version";
	for (i = 0; i < COUNT_OF(commands); i++) {
		if (!str_eq(commands[i].name, name))
			continue;
		if (commands[i].run != NULL)
			return commands[i].run(argc > 1 ? argc - 1 : argc,
			    argc > 1 ? argv + 1 : argv);
		print_error(
		    "\"%s\" needs the script ./kedge of a checkout", name);
		return 2;
	}
	print_error("there is no command %s; see \"kedge help\"", name);
	return 2;
}

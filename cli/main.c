/* The command kedge.  kedge.8 describes it. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "base/str.h"
#include "web/service.h"

#include "add.h"
#include "adopt.h"
#include "apply.h"
#include "audit.h"
#include "backup.h"
#include "completion.h"
#include "config.h"
#include "destroy.h"
#include "doctor.h"
#include "down.h"
#include "help.h"
#include "logs.h"
#include "message.h"
#include "migrate_cli.h"
#include "nearest.h"
#include "new.h"
#include "open.h"
#include "options.h"
#include "psql.h"
#include "remove.h"
#include "render.h"
#include "restart.h"
#include "restore.h"
#include "routes.h"
#include "secrets.h"
#include "status.h"
#include "subcommand.h"
#include "up.h"
#include "upgrade.h"

struct command {
	const char *name;
	/*
	 * NULL: the script ./kedge implements the command, because it must work
	 * before this binary is built.
	 */
	int (*run)(int argc, char **argv);
};

static int help_command(int argc, char **argv);
static int version_command(int argc, char **argv);

/* In the order of cli/help/kedge. Each has its help in cli/help/NAME. */
static const struct command commands[] = {
	{ "up", up_command },
	{ "down", down_command },
	{ "restart", restart_command },
	{ "reload", reload_command },
	{ "destroy", destroy_command },
	{ "status", status_command },
	{ "logs", logs_command },
	{ "open", open_command },
	{ "config", config_command },
	{ "routes", routes_command },
	{ "psql", psql_command },
	{ "jobs", jobs_command },
	{ "user", user_command },
	{ "migrate", migrate_command },
	{ "audit", audit_command },
	{ "adopt", adopt_command },
	{ "secrets", secrets_command },
	{ "backup", backup_command },
	{ "restore", restore_command },
	{ "upgrade", upgrade_command },
	{ "doctor", doctor_command },
	{ "render", render_command },
	{ "apply", apply_command },
	{ "domain", domain_command },
	{ "new", new_command },
	{ "add", add_command },
	{ "remove", remove_command },
	{ "test", NULL },
	{ "setup", NULL },
	{ "completion", completion_command },
	{ "version", version_command },
	{ "help", help_command },
};

static const struct command *
find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (str_eq(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static int
unknown(const char *name)
{
	const char *names[COUNT_OF(commands) + 1] = { NULL };
	const char *meant;

	for (size_t i = 0; i < COUNT_OF(commands); i++)
		names[i] = commands[i].name;
	meant = nearest_name(names, name);
	if (meant != NULL)
		print_error(
		    "there is no command %s; did you mean \"kedge %s\"?", name,
		    meant);
	else
		print_error(
		    "there is no command %s; \"kedge help\" lists all", name);
	return OPTIONS_USAGE;
}

static int
help_command(int argc, char **argv)
{
	if (argc < 2)
		return help_print(NULL);
	if (find(argv[1]) == NULL)
		return unknown(argv[1]);
	return help_print(argv[1]);
}

static int
version_command(int argc UNUSED, char **argv UNUSED)
{
	printf("kedge " KEDGE_VERSION "\n");
	return 0;
}

/* Whether the arguments ask for help; those after "--" are for others. */
static bool
asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && !str_eq(argv[i], "--"); i++)
		if (str_eq(argv[i], "--help") || str_eq(argv[i], "-h"))
			return true;
	return false;
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "help";
	const struct command *command;

	/*
	 * Replace the caller's umask: the modes of new files must depend only
	 * on the modes that are passed to open() and mkdir().
	 */
	umask(022);
	if (str_eq(name, "--help") || str_eq(name, "-h"))
		name = "help";
	if (str_eq(name, "--version"))
		name = "version";
	command = find(name);
	if (command == NULL)
		return unknown(name);
	if (argc > 1) {
		argc--;
		argv++;
	}
	if (asks_for_help(argc, argv))
		return help_print(name);
	if (command->run != NULL)
		return command->run(argc, argv);
	print_error("\"%s\" needs the script ./kedge of a checkout", name);
	return OPTIONS_USAGE;
}
